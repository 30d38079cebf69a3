"""The one error of this part."""

from enum import StrEnum

__all__ = ["FingerprintError", "FingerprintErrorCode"]


class FingerprintErrorCode(StrEnum):
    """Why a fingerprint could not be made, read or compared: the closed list."""

    NOT_AN_IMAGE = "not_an_image"
    IMAGE_TOO_LARGE = "image_too_large"
    NOT_TEXT = "not_text"
    NOT_A_TABLE = "not_a_table"
    NOT_AN_ARCHIVE = "not_an_archive"
    ARCHIVE_UNSAFE = "archive_unsafe"
    DATA_TOO_LARGE = "data_too_large"
    EMPTY_COLLECTION = "empty_collection"
    EMPTY_FILE = "empty_file"
    UNSUPPORTED_FORMAT = "unsupported_format"
    DECODER_MISSING = "decoder_missing"
    FINGERPRINT_MALFORMED = "fingerprint_malformed"
    UNKNOWN_GENERATOR = "unknown_generator"
    INCOMPATIBLE_FINGERPRINTS = "incompatible_fingerprints"


class FingerprintError(Exception):
    """A fingerprint could not be made, read or compared.

    Attributes:
        code: The stable reason, for programs.
        detail: One line for people; never holds content of the data.
    """

    def __init__(self, code: FingerprintErrorCode, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)

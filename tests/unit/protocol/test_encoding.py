import pytest

from countermark.protocol import encoding
from countermark.protocol.errors import ErrorCode, MarketError


@pytest.mark.parametrize(
    ("data", "text"), [(b"", ""), (b"\xff", "_w"), (b"\xfb\xef", "--8"), (bytes(3), "AAAA"), (b"foob", "Zm9vYg")]
)
def test_base64url_has_no_padding_and_comes_back(data: bytes, text: str) -> None:
    assert encoding.b64u(data) == text
    assert encoding.unb64u(text) == data


@pytest.mark.parametrize(
    "text", ["_w==", "_x", "A", "AA AA", "AA\n", "+/+/", "é", "AAAAA", None, 7, b"AAAA", "ＡＡＡＡ"]
)
def test_base64url_refuses_every_other_spelling(text: object) -> None:
    with pytest.raises(MarketError) as refusal:
        encoding.unb64u(text, code=ErrorCode.SEALED_MALFORMED)
    assert refusal.value.code is ErrorCode.SEALED_MALFORMED


def test_base64url_refuses_a_wrong_length() -> None:
    assert encoding.unb64u("AAAA", length=3) == bytes(3)
    with pytest.raises(MarketError, match="expected 16 bytes"):
        encoding.unb64u("AAAA", length=16)


def test_base32_is_lower_case_without_padding() -> None:
    assert encoding.base32(b"foob") == "mzxw6yq"
    assert len(encoding.base32(bytes(32))) == 52


def test_a_digest_names_its_algorithm() -> None:
    text = encoding.digest(b"abc")
    assert text == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert encoding.as_digest(encoding.undigest(text)) == text
    with pytest.raises(ValueError, match="32 bytes"):
        encoding.as_digest(b"short")


@pytest.mark.parametrize(
    "text",
    ["", "ba78", "sha256:", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha512:" + "0" * 64,
     "sha256:" + "0" * 64 + "\n", "sha256:" + "٠" * 64, None, 3],
)  # fmt: skip
def test_a_digest_has_one_spelling(text: object) -> None:
    with pytest.raises(MarketError):
        encoding.undigest(text)

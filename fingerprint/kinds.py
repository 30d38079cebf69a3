"""Of which kind a file is: its first bytes say so, never its name. Every file is of exactly one kind.

The rule is part of the market: a thing is fingerprinted as what it is, so that nobody sells another's pictures as
mere bytes, which are compared with bytes alone.
"""

from typing import BinaryIO, Final

from countermark.fingerprint.errors import FingerprintError, FingerprintErrorCode
from countermark.fingerprint.image.formats import recognise

__all__ = ["COLLECTION", "EMPTY", "KINDS", "PREFIX_BYTES", "kind_of"]

COLLECTION: Final = "collection"
"""The kind of what holds files, each of a kind of its own; its fingerprint sums them up."""

KINDS: Final = ("image", COLLECTION, "table", "text", "bytes")
"""The kinds of files, in the order in which they are looked for."""

EMPTY: Final = "empty"
"""What a file of a collection is that has no bytes: it belongs to it, and has no fingerprint."""

PREFIX_BYTES: Final = 64 << 10
"""How much of a file tells its kind."""

_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06")
_SPELLED: Final = 2
"""Bytes at a picture's beginning that tell whether it could be a text's."""

_NAME_AT: Final = 30
_DOCUMENTS: Final = (b"[Content_Types].xml", b"mimetype", b"_rels/", b"META-INF/", b"AndroidManifest.xml")
"""First names in zip archives that are one document or program: of offices, electronic books, Java."""


def kind_of(source: BinaryIO, *, nested: bool = False) -> str:
    """Return the kind of the file `source`, at whose start it is and is left.

    Args:
        source: A file that can be read at any place.
        nested: Whether it lies in a collection itself.

    Raises:
        FingerprintError: ``empty_file``; ``archive_unsafe`` for a nested archive, whose files nobody would compare.
    """
    prefix = source.read(PREFIX_BYTES)
    source.seek(0)
    if not prefix:
        if nested:
            return EMPTY
        raise FingerprintError(FingerprintErrorCode.EMPTY_FILE)
    kind = _kind(prefix)
    if nested and kind == COLLECTION:
        raise FingerprintError(FingerprintErrorCode.ARCHIVE_UNSAFE, "an archive within a collection: unpack it first")
    return kind


def _kind(prefix: bytes) -> str:
    # Imported here: reading fingerprints needs none of it.
    from countermark.fingerprint.table.sniff import looks_like_table
    from countermark.fingerprint.text.decode import looks_like_text

    # Some formats begin with letters that a text may begin with, too: "BM", "GIF89a".
    spelled = prefix[:_SPELLED].isascii()
    if _begins_as_picture(prefix) and not (spelled and looks_like_text(prefix)):
        return "image"
    if prefix.startswith(_ARCHIVES):
        return "bytes" if prefix.startswith(_DOCUMENTS, _NAME_AT) else COLLECTION
    if looks_like_table(prefix):
        return "table"
    return "text" if looks_like_text(prefix) else "bytes"


def _begins_as_picture(prefix: bytes) -> bool:
    try:
        recognise(prefix)
    except FingerprintError as error:
        return error.code is FingerprintErrorCode.UNSUPPORTED_FORMAT
    return True

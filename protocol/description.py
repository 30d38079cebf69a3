"""A listing's description: what a buyer browses; generated facts always, words only if the seller writes them.

Its canonical JSON is what ``c_d`` commits to (A-33; step (4): a description is optional, the facts are not).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countermark.protocol import canonical, fields
from countermark.protocol.errors import ErrorCode, MarketError

MAX_TITLE, MAX_TEXT, MAX_TAG = 200, 10_000, 64
"""Caps in characters."""
MAX_TAGS = 32
MAX_GENERATORS = 32
MAX_ITEMS = 1_000_000
MAX_BYTES = 1 << 50

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")


@dataclass(frozen=True)
class Description:
    """What the data is: facts that the seller's client counted, and words of the seller."""

    media_type: str
    """Of the data, in lower case without parameters (RFC 6838)."""
    items: int
    size: int
    """Bytes of all items together; ``bytes`` in JSON."""
    title: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    """Of the fingerprints, sorted, where there are others than the one that the contract names: a buyer computes
    the same ones."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; what is empty is left out, so that each description has one form."""
        document: dict[str, Any] = {"bytes": self.size, "items": self.items, "media_type": self.media_type}
        if self.title:
            document["title"] = self.title
        if self.text:
            document["text"] = self.text
        if self.tags:
            document["tags"] = list(self.tags)
        if self.generators:
            document["generators"] = list(self.generators)
        return document

    def to_bytes(self) -> bytes:
        """Return the canonical JSON bytes that ``c_d`` commits to."""
        return canonical.dumps(self.to_json())


def _media_type(value: object) -> str:
    if not isinstance(value, str) or _MEDIA_TYPE.fullmatch(value) is None:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a media type such as image/jpeg is expected")
    return value


_FIELDS: Mapping[str, fields.Parser] = {
    "bytes": fields.integer(1, MAX_BYTES),
    "items": fields.integer(1, MAX_ITEMS),
    "media_type": _media_type,
    "title": fields.optional(fields.text(MAX_TITLE)),
    "text": fields.optional(fields.text(MAX_TEXT)),
    "tags": fields.optional(fields.sequence(fields.text(MAX_TAG), shortest=1, longest=MAX_TAGS)),
    "generators": fields.optional(fields.sequence(fields.name, shortest=1, longest=MAX_GENERATORS)),
}


def parse_description(value: object) -> Description:
    """Return the description that a JSON object holds.

    Raises:
        MarketError: DESCRIPTION_MALFORMED.
    """
    document = fields.record(value, _FIELDS, code=ErrorCode.DESCRIPTION_MALFORMED)
    tags = tuple(document.pop("tags", ()))
    if len(set(tags)) != len(tags):
        raise MarketError(ErrorCode.DESCRIPTION_MALFORMED, "a tag stands twice")
    generators = tuple(document.pop("generators", ()))
    if list(generators) != sorted(set(generators)):
        raise MarketError(ErrorCode.DESCRIPTION_MALFORMED, "generators stand sorted, each once")
    return Description(size=document.pop("bytes"), tags=tags, generators=generators, **document)

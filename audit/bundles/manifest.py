"""What a bundle says of itself: its market and its subject at the beginning, at its end how far it goes.

Nobody signs it. It says where a reader shall look, and what he is told is what the blocks show of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from countermark.audit.errors import AuditError
from countermark.protocol import canonical, fields
from countermark.protocol.errors import MarketError

KINDS: Final[tuple[str, ...]] = ("trade", "listing", "account", "blocks")
"""What a bundle may be about."""

_NUMBER = fields.integer(0, 2**53 - 1)
_DIGEST = fields.binary(32)


@dataclass(frozen=True)
class Subject:
    """A trade, listing or account by its name; or the blocks ``first`` to ``last``, both included."""

    kind: str
    name: str = ""
    first: int = 0
    last: int = 0

    @property
    def key(self) -> str:
        """Key of its record in the world state, "" for blocks."""
        return "" if self.kind == "blocks" else f"{self.kind}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        if self.kind == "blocks":
            return {"kind": self.kind, "first": self.first, "last": self.last}
        return {"kind": self.kind, "name": self.name}


@dataclass(frozen=True)
class Manifest:
    """Which market, with the MSP ids of platform and supervisor, and what of it."""

    channel: str
    chaincode: str
    platform: str
    supervisor: str
    subject: Subject

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        return f"{self.channel}/{self.chaincode}"

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        return canonical.dumps(
            {
                "channel": self.channel,
                "chaincode": self.chaincode,
                "platform": self.platform,
                "supervisor": self.supervisor,
                "subject": self.subject.to_json(),
            }
        )


@dataclass(frozen=True)
class Closing:
    """How many blocks a bundle holds, and the SHA-256 of everything before this, whatever compresses it."""

    blocks: int
    digest: bytes

    def to_bytes(self) -> bytes:
        """Return the bytes."""
        return self.blocks.to_bytes(8, "big") + self.digest


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest in ``data``.

    Raises:
        AuditError: ``malformed_bundle``.
    """
    try:
        members = fields.record(canonical.loads(data), _MANIFEST)
        subject = _subject(members.pop("subject"))
    except MarketError as error:
        raise AuditError("malformed_bundle", f"its manifest: {error.detail}") from error
    return Manifest(**members, subject=subject)


def parse_closing(data: bytes) -> Closing:
    """Return the closing in ``data``.

    Raises:
        AuditError: ``malformed_bundle``.
    """
    if len(data) != 40:
        raise AuditError("malformed_bundle", "its closing has another length than 40 bytes")
    return Closing(int.from_bytes(data[:8], "big"), data[8:])


def _subject(members: Mapping[str, Any]) -> Subject:
    subject = Subject(**members)
    if subject.first > subject.last:
        raise AuditError("malformed_bundle", "its blocks end before they begin")
    return subject


def _parse_subject(value: object) -> dict[str, Any]:
    named = isinstance(value, dict) and value.get("kind") != "blocks"
    return fields.record(value, _NAMED if named else _SPAN)


_NAMED: Mapping[str, fields.Parser] = {"kind": fields.choice(*KINDS[:-1]), "name": fields.text(128)}
_SPAN: Mapping[str, fields.Parser] = {"kind": fields.choice(KINDS[-1]), "first": _NUMBER, "last": _NUMBER}
_MANIFEST: Mapping[str, fields.Parser] = {
    "channel": fields.segment,
    "chaincode": fields.segment,
    "platform": fields.segment,
    "supervisor": fields.segment,
    "subject": _parse_subject,
}

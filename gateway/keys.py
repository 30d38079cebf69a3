"""The private keys of a gateway, the platform's or a member's, from a file that only its user can read."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from countermark.protocol import canonical, fields
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey


@dataclass(frozen=True)
class PlatformKeys:
    """Keys of the platform's account; nothing of them shows in a repr."""

    account: AccountKey
    """Signs the platform's intents and receipts."""
    encryption: dict[int, EncryptionKey] = field(repr=False)
    """Open what is sealed to the platform, by key version; old ones stay usable for the longest deadline."""
    table: bytes = field(repr=False)
    """AES-256 key of the private columns."""
    issuer: AccountKey | None
    """Mints coins where this gateway runs a faucet."""


@dataclass(frozen=True)
class MemberKeys:
    """Keys of a member's gateway, which acts for nobody; nothing of them shows in a repr."""

    table: bytes = field(repr=False)
    """AES-256 key of the private columns."""


def _encryption(value: object) -> dict[int, EncryptionKey]:
    versions = fields.mapping(_version, fields.binary(96), longest=64)(value)
    if not versions:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "at least one encryption key is needed")
    return {version: EncryptionKey.from_bytes(unb64u(key)) for version, key in versions.items()}


def _version(value: object) -> int:
    text = fields.text(9)(value)
    if not (text.isascii() and text.isdigit()):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a key's version is a number")
    return int(text)


def _account(value: object) -> AccountKey:
    return AccountKey.from_bytes(unb64u(value, length=32))


def _table(value: object) -> bytes:
    return unb64u(value, length=32)


_OF_PLATFORM: Mapping[str, fields.Parser] = {
    "account": _account,
    "encryption": _encryption,
    "table": _table,
    "issuer": lambda value: None if value is None else _account(value),
}


def load(path: Path) -> PlatformKeys:
    """Return the platform's keys in ``path``.

    Raises:
        MarketError: MALFORMED_REQUEST; the file cannot be read, is malformed, or others may read it too.
    """
    return PlatformKeys(**fields.record(_document(path), _OF_PLATFORM))


def load_of_member(path: Path) -> MemberKeys:
    """Return the keys of a member's gateway in ``path``.

    Raises:
        MarketError: as `load`.
    """
    return MemberKeys(**fields.record(_document(path), {"table": _table}))


def _document(path: Path) -> object:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path} must be readable by its owner only (0600)")
        return canonical.loads(path.read_bytes(), canonical=False)
    except OSError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path}: {error.strerror}") from error

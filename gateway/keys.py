"""The platform's private keys, from a file that only the gateway's user can read."""

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


_FIELDS: Mapping[str, fields.Parser] = {
    "account": _account,
    "encryption": _encryption,
    "table": lambda value: unb64u(value, length=32),
    "issuer": lambda value: None if value is None else _account(value),
}


def load(path: Path) -> PlatformKeys:
    """Return the keys in ``path``.

    Raises:
        MarketError: MALFORMED_REQUEST; the file cannot be read, is malformed, or others may read it too.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path} must be readable by its owner only (0600)")
        return PlatformKeys(**fields.record(canonical.loads(path.read_bytes(), canonical=False), _FIELDS))
    except OSError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{path}: {error.strerror}") from error

"""Connection profiles: where an organisation's gateway is, and as whom to speak to it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from countermark.network.client.errors import ProfileError
from countermark.network.errors import IdentityError
from countermark.network.identities import SigningIdentity
from countermark.protocol.errors import ErrorCode

_MEMBERS = (
    "msp_id",
    "channel",
    "chaincode",
    "gateway",
    "host_override",
    "tls_ca_file",
    "cert_file",
    "key_file",
)
_FILES = ("tls_ca_file", "cert_file", "key_file")


@dataclass(frozen=True, slots=True)
class ConnectionProfile:
    """What a client needs to use one organisation's peer: `connection/<org>.json`."""

    msp_id: str
    channel: str
    chaincode: str
    gateway: str
    """host:port of the peer."""
    host_override: str
    """Name that the peer's TLS certificate carries, where it is not the host; else empty."""
    tls_ca_file: Path
    cert_file: Path
    key_file: Path

    @classmethod
    def load(cls, path: Path) -> "ConnectionProfile":
        """Return the profile in `path`; relative file names count from the profile's folder.

        Raises:
            ProfileError: The file cannot be read, or a member is missing, unknown or not text.
        """
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise _error(f"{path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise _error(f"{path}: not JSON") from error
        if not isinstance(document, dict) or set(document) != set(_MEMBERS):
            raise _error(f"{path}: its members must be {', '.join(_MEMBERS)}")
        if not all(_can_leave(name, value) for name, value in document.items()):
            raise _error(f"{path}: every member is text")
        folder = path.parent
        files = {name: folder / document[name] for name in _FILES}
        return cls(**{**document, **files})

    def dumps(self) -> str:
        """Return the profile as JSON, as `load` reads it."""
        return json.dumps({name: str(getattr(self, name)) for name in _MEMBERS}, indent=2) + "\n"

    def check_same_market(self, other: "ConnectionProfile") -> None:
        """Return if `other` leads to the same chaincode on the same channel.

        Raises:
            ProfileError: It does not.
        """
        here, there = (f"{one.channel}/{one.chaincode}" for one in (self, other))
        if here != there:
            raise _error(f"the gateway {other.gateway} is of {there}, not of {here}")

    def identity(self) -> SigningIdentity:
        """Return the member that certificate and key make.

        Raises:
            ProfileError: They are missing, damaged, or do not belong together.
        """
        try:
            return SigningIdentity.load(self.msp_id, self.cert_file, self.key_file)
        except IdentityError as error:
            raise _error(str(error)) from error

    def tls_ca(self) -> bytes:
        """Return the certificates (PEM) that the peer's TLS certificate must chain to.

        Raises:
            ProfileError: The file cannot be read.
        """
        try:
            return self.tls_ca_file.read_bytes()
        except OSError as error:
            raise _error(f"{self.tls_ca_file}: {error.strerror}") from error


def _can_leave(name: str, value: object) -> bool:
    """Return whether `value` is text that the system takes: JSON also has NUL and lone surrogates."""
    encode = os.fsencode if name in _FILES else str.encode
    try:
        return isinstance(value, str) and b"\0" not in encode(value)
    except UnicodeEncodeError:
        return False


def _error(detail: str) -> ProfileError:
    return ProfileError(ErrorCode.LEDGER_UNAVAILABLE, detail)

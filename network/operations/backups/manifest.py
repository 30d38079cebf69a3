"""What a backup says of itself: of which network it is, what is in it, and the digest of every file.

Whoever can write to the folder can write another manifest: it tells damage and mistakes, not a forger.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from countermark.network import documents
from countermark.network.genesis import network_id
from countermark.network.native.errors import RunError
from countermark.network.topology.names import MSP_ID, NODE
from countermark.protocol import fields, times
from countermark.protocol.errors import ErrorCode, MarketError

FILE = "manifest.json"
DATABASE = "database.dump"
"""Where the platform's database lies in a backup."""

_FORMAT = "countermark-backup/1"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST = 64 * 1024 * 1024
_MOST = 1_000_000
"""Peers, and files."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the backup."""

    path: str
    """From the backup's folder on, with `/`."""
    size: int
    """Bytes."""
    sha256: str
    """In hex."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer whose ledger is in the backup."""

    name: str
    msp_id: str
    height: int
    """Blocks of the channel that it had at least."""

    @property
    def folder(self) -> str:
        """Where its files lie in the backup."""
        return f"peers/{self.name}"


@dataclass(frozen=True, slots=True)
class PlatformDatabase:
    """The database of the platform, if that is in the backup."""

    market: str
    """Channel/chaincode."""
    height: int
    """Blocks that its tables had at least."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a backup."""

    network: str
    """Digest of the genesis block, in hex."""
    made_at_ms: int
    """When it was complete, in milliseconds since the epoch."""
    peers: tuple[Peer, ...]
    database: PlatformDatabase | None
    files: tuple[File, ...]

    def dumps(self) -> bytes:
        """Return the manifest as `parse` reads it."""
        document = {
            "format": _FORMAT,
            "network": self.network,
            "made_at": times.to_text(self.made_at_ms),
            "peers": [asdict(one) for one in self.peers],
            "database": None if self.database is None else asdict(self.database),
            "files": [asdict(one) for one in self.files],
        }
        return (json.dumps(document, indent=1) + "\n").encode()

    def peer(self, name: str) -> Peer:
        """Return the peer of that name.

        Raises:
            RunError: It is not in the backup.
        """
        for one in self.peers:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.peers) or "no peer"
        raise RunError("not_in_backup", f"{name} is not in this backup, which has {known}")

    def files_of(self, peer: Peer) -> Iterator[File]:
        """Yield the files of a peer."""
        return (one for one in self.files if one.path.startswith(f"{peer.folder}/"))

    def check_network(self, genesis: Path) -> None:
        """Return if the backup is of the network with the block in the file `genesis`.

        Raises:
            RunError: It is of another, or there is no such file.
        """
        if self.network != network_of(genesis):
            raise RunError("other_network", f"the backup is of another network than that of {genesis}")

    @property
    def dump(self) -> File:
        """The file with the database.

        Raises:
            RunError: The database is not in the backup.
        """
        for one in self.files:
            if one.path == DATABASE:
                return one
        raise RunError("not_in_backup", "the platform's database is not in this backup")


def network_of(genesis: Path) -> str:
    """Return what tells the network with the block in the file `genesis` from all others.

    Raises:
        RunError: There is no such file.
    """
    try:
        return network_id(genesis.read_bytes())
    except OSError as error:
        raise RunError("no_genesis", f"{genesis}: {error.strerror}") from error


def load(folder: Path) -> Manifest:
    """Return what the backup in `folder` says of itself.

    Raises:
        RunError: There is no backup, or its manifest is malformed.
    """
    try:
        return parse(documents.read(folder / FILE, longest=_LARGEST))
    except documents.DocumentError as error:
        raise RunError("no_backup", error.detail) from error


def parse(data: bytes) -> Manifest:
    """Return the manifest in `data`.

    Raises:
        RunError: It is malformed.
    """
    try:
        members = documents.parse(data, _MEMBERS, longest=_LARGEST)
    except documents.DocumentError as error:
        raise _malformed(error.detail) from error
    manifest = Manifest(
        network=members["network"],
        made_at_ms=members["made_at"],
        peers=tuple(Peer(**one) for one in members["peers"]),
        database=None if members["database"] is None else PlatformDatabase(**members["database"]),
        files=tuple(File(**one) for one in members["files"]),
    )
    _check_places(manifest)
    return manifest


def _check_places(manifest: Manifest) -> None:
    """Return if each file is of something that is in the backup, and everything that is in it has files."""
    folders = {one.folder for one in manifest.peers}
    places = [one.path for one in manifest.files]
    if len(folders) != len(manifest.peers) or len(set(places)) != len(places):
        raise _malformed("something is named twice")
    owners = {path if path == DATABASE else "/".join(path.split("/")[:2]) for path in places}
    if owners != folders | ({DATABASE} if manifest.database else set()):
        raise _malformed("its files are not those of its peers and of its database")


def _path(value: object) -> str:
    path: str = _TEXT(value)
    # What is restored is written where the path says.
    if PurePosixPath(path).is_absolute() or {"", ".", ".."} & set(path.split("/")):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a path leads out of the backup")
    return path


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a SHA-256 in hex is expected")
    return value


def _or_null(parser: fields.Parser) -> fields.Parser:
    return lambda value: None if value is None else parser(value)


_TEXT = fields.text(4096)
_COUNT = fields.integer(0, 2**53 - 1)
_MEMBERS: Mapping[str, fields.Parser] = {
    "format": fields.choice(_FORMAT),
    "network": _digest,
    "made_at": times.from_text,
    "peers": fields.sequence(
        fields.nested({"name": NODE.parse, "msp_id": MSP_ID.parse, "height": _COUNT}), longest=_MOST
    ),
    "database": _or_null(fields.nested({"market": fields.name, "height": _COUNT})),
    "files": fields.sequence(fields.nested({"path": _path, "size": _COUNT, "sha256": _digest}), longest=_MOST),
}


def _malformed(detail: str) -> RunError:
    return RunError("malformed_backup", f"{FILE}: {detail}")

"""What a package shows that was opened with the trade's one-time key: exactly what the buyer could find (D-6)."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from countermark.client.data import only
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.examining import examine
from countermark.fingerprint import FingerprintError, kinds
from countermark.fingerprint.collection.digests import digest_of
from countermark.fingerprint.collection.entries import Reader, files_of
from countermark.protocol import fields
from countermark.protocol.commitments import commit
from countermark.protocol.decisions import Finding, compare
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.manifests import File, manifest_root
from countermark.protocol.packages import PackageHeader, PackageSalts, measure, open_package
from countermark.protocol.sealed import PRIVATE_KEY_BYTES, EncryptionKey


@dataclass(frozen=True)
class Question:
    """A package, and what it is to be compared with: what the ledger says of the trade, and its one-time key."""

    package: Path
    header: PackageHeader
    root: str
    c_f: str
    c_exact: str
    generators: tuple[str, ...]
    key: EncryptionKey = field(repr=False)
    decode: bool = True
    """Whether decoders may read the data; else bytes alone are compared, and fingerprints count as the same."""

    def to_json(self) -> dict[str, Any]:
        """Return the question for another process; with the key, so for no disk."""
        header = self.header
        return {
            "package": str(self.package),
            "trade": header.trade,
            "buyer": header.buyer,
            "seller": header.seller,
            "listing": header.listing,
            "root": self.root,
            "c_f": self.c_f,
            "c_exact": self.c_exact,
            "generators": list(self.generators),
            "key": b64u(self.key.to_bytes()),
            "decode": self.decode,
        }

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Return the question in a document.

        Raises:
            MarketError: it is none.
        """
        record = fields.record(document, _QUESTION)
        return cls(
            package=Path(record["package"]),
            header=PackageHeader(record["trade"], record["buyer"], record["seller"], record["listing"]),
            root=record["root"],
            c_f=record["c_f"],
            c_exact=record["c_exact"],
            generators=tuple(record["generators"]),
            key=EncryptionKey.from_bytes(unb64u(record["key"])),
            decode=record["decode"],
        )


_QUESTION: Mapping[str, fields.Parser] = {
    "package": fields.text(4096),
    "trade": fields.trade,
    "buyer": fields.address,
    "seller": fields.address,
    "listing": fields.listing,
    "root": fields.digest,
    "c_f": fields.digest,
    "c_exact": fields.digest,
    "generators": fields.sequence(fields.name, shortest=1, longest=32),
    "key": fields.binary(PRIVATE_KEY_BYTES),
    "decode": fields.boolean,
}


_OF_THE_DATA = frozenset(
    {
        *(ErrorCode.INCOMPATIBLE_FINGERPRINTS, ErrorCode.NOT_AN_IMAGE, ErrorCode.NOT_TEXT, ErrorCode.NOT_A_TABLE),
        *(ErrorCode.NOT_AN_ARCHIVE, ErrorCode.ARCHIVE_UNSAFE, ErrorCode.EMPTY_COLLECTION, ErrorCode.EMPTY_FILE),
    }
)
"""Refusals of generators that no other machine could do without: the data are of another kind than was registered."""


def answer(question: Question) -> Finding:
    """Return what the package of ``question`` shows; of the data nothing outlives this, or this process.

    Raises:
        ClientError: a file cannot be read or written here, or this machine lacks a decoder: neither says anything of
            what was sent.
    """
    try:
        with question.package.open("rb") as package:
            if not _is_committed(package, question):
                return Finding.NO_BYTES
            package.seek(0)
            # Without a name from the start: no crash leaves it behind.
            with tempfile.TemporaryFile() as plain:
                try:
                    salts = open_package(package, plain, header=question.header, root=question.root, key=question.key)
                except MarketError as error:
                    if error.code in (ErrorCode.PACKAGE_ROOT_MISMATCH, ErrorCode.PACKAGE_MALFORMED):
                        raise ClientError(REFUSED_HERE, "the package changes while it is read") from error
                    # The bytes are the seller's, as was seen: it is he who has sealed them so.
                    return Finding.UNDECRYPTABLE
                plain.flush()
                return _compare(plain, salts, question)
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or 'a file'}: {error.strerror}") from error


def _is_committed(package: BinaryIO, question: Question) -> bool:
    """Return whether these are the bytes to which the seller has committed; what is no package is not."""
    try:
        return measure(package, header=question.header).root == question.root
    except MarketError:
        return False


def _compare(plain: BinaryIO, salts: PackageSalts, question: Question) -> Finding:
    path = Path(f"/proc/self/fd/{plain.fileno()}")
    same_bytes = commit("exact", salts.salt_exact, _exact(path)) == question.c_exact
    if not question.decode:
        return compare(same_bytes=same_bytes, same_fingerprint=same_bytes)
    try:
        data = examine(path, only(question.generators), alone=True)
    except ClientError as error:
        if same_bytes and error.code not in _OF_THE_DATA:
            # That they have no fingerprint here says nothing: another version, or more memory, may find one.
            raise
        return compare(same_bytes=same_bytes, same_fingerprint=False)
    return compare(same_bytes=same_bytes, same_fingerprint=commit("f", salts.salt_f, data.root) == question.c_f)


def _exact(path: Path) -> bytes:
    """Return the exact digest of a file or a collection's archive, which no decoder reads."""
    with path.open("rb") as file:
        if kinds.kind_of(file) != kinds.COLLECTION:
            file.seek(0)
            return digest_of(file)
    try:
        with Reader(path) as reader:
            files = []
            for entry in files_of(path):
                with reader.open(entry.name) as member:
                    files.append(File(entry.name, entry.size, digest_of(member)))
            return manifest_root(files)
    except FingerprintError:
        with path.open("rb") as file:
            return digest_of(file)

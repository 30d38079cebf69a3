"""What a buyer does with a package: fetch it (15), open it (18), and compare the data with what was promised (19).

The package waits in the home; the data lie beside their destination, under a name of the trade's own, until their
last byte is authenticated. What a crash leaves there is known, and goes with the next try. The remedy of a dispute
has names of its own everywhere, so that nothing of the first package is taken for a part of it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

from countermark.client import promises
from countermark.client.data import only
from countermark.client.deliveries import FIRST, Delivery, package_file
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.examining import examine
from countermark.client.files import private_folder, replacing
from countermark.client.market import Market
from countermark.client.promises import Promise
from countermark.client.transfers import Progress, download, no_progress
from countermark.client.vault import Vault
from countermark.protocol.commitments import commit
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.notices import Verdict
from countermark.protocol.packages import PackageHeader, PackageSalts, measure, open_package

_STORED = "received"
_PARTIAL = "partials"


@dataclass(frozen=True)
class Received:
    """Data that was fetched and opened: where it lies, how it compares with the contract, its fingerprint root."""

    path: Path
    verdict: Verdict
    """``match``: bytes and fingerprint are the committed ones; ``altered``: the latter only; ``bad``: neither."""
    root: bytes
    salts: PackageSalts
    generators: tuple[str, ...]


def fetch(
    market: Market,
    vault: Vault,
    trade: dict[str, Any],
    out: Path,
    packages: Path,
    progress: Progress = no_progress,
    *,
    force: bool = False,
    delivery: Delivery = FIRST,
    handed: Path | None = None,
) -> Received:
    """Download, decrypt and examine the data of ``trade`` (a trade resource) and store it as ``out`` (18, 19).

    ``packages`` is the folder where the package waits until it is open; one that a full disk or an interruption kept
    from being opened, or that does not open although it is the one that was sent, is not fetched anew. What an
    earlier run has stored as ``out`` is taken as it is; anything else that lies there is replaced only by ``force``.
    A package that was ``handed`` over is taken instead of the relay's.

    Raises:
        ClientError: there is an ``out`` already, and no ``force``; the package is not there, is not the one that the
            seller committed to, or does not open; the gateway shows another trade than was paid.
    """
    promise = promises.recall(vault, trade["id"])
    promise.check(trade)
    out, name = out.absolute(), _name(trade, delivery)
    with vault.locked(_STORED, name):
        salts = _stored(vault, name, out)
        if salts is None:
            if not force and (out.exists() or out.is_symlink()):
                raise ClientError(REFUSED_HERE, f"{out} is there already; --force replaces it")
            if not out.parent.is_dir():
                raise ClientError(REFUSED_HERE, f"the folder {out.parent} is not there")
            folder = private_folder(packages)
            if handed is not None:
                shutil.copyfile(handed, package_file(folder, trade["id"], delivery))
            salts = _open(market, vault, trade, promise, out, folder, progress, force=force, delivery=delivery)
    verdict, root = judge(promise, out, salts)
    return Received(out, verdict, root, salts, promise.generators)


def _open(
    market: Market,
    vault: Vault,
    trade: dict[str, Any],
    promise: Promise,
    out: Path,
    packages: Path,
    progress: Progress,
    *,
    force: bool,
    delivery: Delivery,
) -> PackageSalts:
    committed, name = trade.get(delivery.committed), _name(trade, delivery)
    if committed is None:
        raise ClientError(ErrorCode.WRONG_STATE, f"the trade is {trade['state']} and has no {delivery.committed} yet")
    header = PackageHeader(trade["id"], market.address, promise.seller, promise.listing)
    package = package_file(packages, trade["id"], delivery)
    download(market.http, f"/v1/trades/{trade['id']}/{delivery.package}", package, committed["size"], progress)
    try:
        with package.open("rb") as source, _plaintext(vault, name, out, force=force) as plain:
            salts = open_package(source, plain, header=header, root=committed["root"], key=promise.key)
            # On the disk before the data have their name: whoever finds them knows what they are.
            _remember(vault, name, out, plain, salts)
    except MarketError as error:
        mistaken = error.code is ErrorCode.PACKAGE_ROOT_MISMATCH
        if not mistaken and _is_committed(package, header, committed["root"]):
            # What the seller has sent does not open. Should the platform lose it, the arbiter gets it from here.
            raise ClientError(str(error.code), f"{error.detail}; kept as evidence: {package}") from error
        # It is fetched anew: what is wrong with it may be this copy alone.
        package.unlink(missing_ok=True)
        raise ClientError(str(error.code), error.detail) from error
    package.unlink()
    return salts


def _is_committed(package: Path, header: PackageHeader, root: str) -> bool:
    try:
        with package.open("rb") as file:
            return measure(file, header=header).root == root
    except MarketError:
        return False


def _name(trade: dict[str, Any], delivery: Delivery) -> str:
    """Return the name of what is kept of one package of ``trade``; of a first one the trade's id alone."""
    return str(trade["id"]) if delivery is FIRST else f"{trade['id']}-{delivery.committed}"


@contextmanager
def _plaintext(vault: Vault, name: str, out: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Give the file that becomes ``out``; what a killed run has left of it, here or elsewhere, is removed first."""
    earlier = vault.get(_PARTIAL, name)
    if earlier is not None:
        _path(earlier).unlink(missing_ok=True)
    # A name that fits wherever a name does, however long the one of ``out`` is.
    partial = out.with_name(f".{name}.partial")
    vault.put(_PARTIAL, name, {"path": b64u(os.fsencode(partial))})
    with replacing(out, partial=partial, clobber=force) as file:
        yield file
    vault.delete(_PARTIAL, name)


def _remember(vault: Vault, name: str, out: Path, plain: BinaryIO, salts: PackageSalts) -> None:
    plain.flush()
    with open(plain.fileno(), "rb", closefd=False) as written:
        written.seek(0)
        exact = file_digest(written, "sha256").digest()
    record = {
        "path": b64u(os.fsencode(out)),
        "exact": b64u(exact),
        "salt_f": b64u(salts.salt_f),
        "salt_exact": b64u(salts.salt_exact),
    }
    vault.put(_STORED, name, record)


def _stored(vault: Vault, name: str, out: Path) -> PackageSalts | None:
    """Return the salts that came with the package ``name``, if they lie untouched as ``out``."""
    record = vault.get(_STORED, name)
    if record is None or _path(record) != out or not out.is_file() or b64u(_digest_of(out)) != record["exact"]:
        return None
    return PackageSalts(unb64u(record["salt_f"]), unb64u(record["salt_exact"]))


def _path(record: dict[str, Any]) -> Path:
    return Path(os.fsdecode(unb64u(record["path"])))


def judge(promise: Promise, path: Path, salts: PackageSalts) -> tuple[Verdict, bytes]:
    """Return how the file ``path`` compares with what was promised, and the fingerprint root for the notice.

    Raises:
        ClientError: this machine cannot read the file, or lacks the decoder of its format, which says nothing of what
            was sent.
    """
    try:
        data = examine(path, only(promise.generators))
    except ClientError as error:
        if error.code in (REFUSED_HERE, ErrorCode.DECODER_MISSING, ErrorCode.UNKNOWN_GENERATOR):
            raise
        # What has no fingerprint is not what was sold; the notice then carries the digest of what came instead.
        return "bad", _digest_of(path)
    if commit("f", salts.salt_f, data.root) != promise.c_f:
        return "bad", data.root
    same_bytes = commit("exact", salts.salt_exact, data.exact) == promise.c_exact
    return ("match" if same_bytes else "altered"), data.root


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()

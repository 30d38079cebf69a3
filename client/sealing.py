"""Make the package of a trade from the seller's data, encrypted to the buyer's one-time key (13), and measure it."""

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

from countermark.client.data import Data
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import replacing
from countermark.client.listings import Held
from countermark.client.packing import packed
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader, PackageSalts, PackageSummary, measure, seal_package


def measure_package(package: Path, trade: dict[str, Any]) -> PackageSummary:
    """Return root and size of the file ``package``.

    Raises:
        ClientError: it is no package of ``trade`` (a trade resource).
    """
    try:
        with package.open("rb") as file:
            return measure(file, header=_header(trade))
    except MarketError as error:
        raise ClientError(REFUSED_HERE, f"{package} is no package of this trade: {error}") from error


def seal_data(data: Data, held: Held, trade: dict[str, Any], package: Path) -> PackageSummary:
    """Encrypt ``data`` to the one-time key of ``trade`` (a trade resource) into the file ``package`` (step 13).

    Raises:
        ClientError: the data change meanwhile, or cannot be read.
    """
    salts = PackageSalts(salt_f=held.salt_f, salt_exact=held.salt_exact)
    with (
        packed(data, package.with_suffix(".zip")) as path,
        path.open("rb") as file,
        replacing(package) as out,
    ):
        source = _Hashing(file)
        try:
            summary = seal_package(
                source,  # type: ignore[arg-type]  # of a file, only read() is used
                out,
                header=_header(trade),
                recipient=trade["pk_t"],
                salts=salts,
                size=path.stat().st_size if data.files else data.size,
            )
        except MarketError as error:
            if error.code is not ErrorCode.PACKAGE_MALFORMED:
                raise
            raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} changes while it is read") from error
        # What is committed to must be what was examined, or the seller loses the dispute.
        if not data.files and source.digest != data.exact:
            raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} changes while it is read")
    return summary


def _header(trade: dict[str, Any]) -> PackageHeader:
    return PackageHeader(trade["id"], trade["buyer"], trade["seller"], trade["listing"])


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

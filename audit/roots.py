"""The consortium's root certificates, as a reader has them from whom he trusts: which are whose.

A certificate says nothing of the MSP that it is a root of, and a configuration, which says it, is made by whoever
makes a genesis block. So roots are given by name: otherwise an organisation could make a ledger in which the
supervisor has its own root. For the same reason orderers' roots are apart: any authority can issue a certificate of
an orderer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from countermark.audit.errors import AuditError
from countermark.network.blocks import Block, ChannelConfig, read_config
from countermark.network.errors import NetworkError
from countermark.network.identities import Consortium
from countermark.network.identities.certificates import Certificate, load_certificate
from countermark.protocol import fields
from countermark.protocol.errors import MarketError

_FOLDERS = ("members", "orderers")


@dataclass(frozen=True)
class Roots:
    """SHA-256 of the root certificates (DER) by MSP id: of who endorses, and of who orders."""

    members: Mapping[str, frozenset[bytes]]
    orderers: Mapping[str, frozenset[bytes]]

    def check(self, config: ChannelConfig, block: int) -> None:
        """Check that each organisation in ``config``, that of number ``block``, has roots of its name and no others.

        Raises:
            AuditError: ``foreign_root``.
        """
        parts = ((config.organisations, self.members, "members"), (config.orderers, self.orderers, "orderers"))
        for consortium, known, kind in parts:
            for msp_id in consortium.msp_ids:
                named = {one.fingerprint for one in _certificates(consortium, msp_id, block)}
                if not named <= known.get(msp_id, frozenset()):
                    detail = f"the {msp_id} among its {kind} has a root certificate that is not given for that name"
                    raise AuditError("foreign_root", detail, block=block)


def read_roots(folder: Path) -> Roots:
    """Return the roots in ``folder``: PEM files ``members/MSPID.pem`` and ``orderers/MSPID.pem``.

    Raises:
        AuditError: ``no_roots``; a folder or file is missing or damaged.
    """
    members, orderers = (_read_folder(folder / name) for name in _FOLDERS)
    return Roots(members, orderers)


def write_roots(block: Block, folder: Path) -> tuple[Path, ...]:
    """Write the root certificates that the configuration in ``block`` names, for `read_roots`, and return the files.

    What is there is left as it is: the roots of organisations that have joined since then stand beside.

    Raises:
        AuditError: ``not_written`` where a file is there already; or the block holds no configuration that can be
            read.
    """
    try:
        config = read_config(block)
    except NetworkError as error:
        raise AuditError(error.code, error.detail, block=block.number) from error
    written = []
    for name, consortium in zip(_FOLDERS, (config.organisations, config.orderers), strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for msp_id in consortium.msp_ids:
            certificates = _certificates(consortium, msp_id, block.number)
            path = folder / name / f"{_file_name(msp_id)}.pem"
            _write_new(path, b"".join(one.parsed.public_bytes(Encoding.PEM) for one in certificates))
            written.append(path)
    return tuple(written)


def _file_name(msp_id: str) -> str:
    try:
        return fields.segment(msp_id)
    except MarketError as error:
        raise AuditError("not_written", f"{msp_id!r} cannot be the name of a file") from error


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as out:
            out.write(data)
    except OSError as error:
        raise AuditError("not_written", f"{path}: {error.strerror}") from error


def _certificates(consortium: Consortium, msp_id: str, block: int) -> list[Certificate]:
    try:
        return [load_certificate(pem) for pem in consortium.msp(msp_id).root_certs]
    except NetworkError as error:
        raise AuditError(error.code, f"a root certificate of {msp_id}: {error.detail}", block=block) from error


def _read_folder(folder: Path) -> dict[str, frozenset[bytes]]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".pem")
        found = {path.stem: _read_file(path) for path in files}
    except (OSError, ValueError) as error:
        raise AuditError("no_roots", f"{folder}: {getattr(error, 'strerror', None) or error}") from error
    if not found:
        raise AuditError("no_roots", f"{folder} holds no root certificates, MSPID.pem")
    return found


def _read_file(path: Path) -> frozenset[bytes]:
    return frozenset(one.fingerprint(hashes.SHA256()) for one in x509.load_pem_x509_certificates(path.read_bytes()))

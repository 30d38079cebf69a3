"""The gateway's certificate: of an authority that stays, so that clients go on trusting when it is made anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from countermark.client.files import private_folder, write_private
from countermark.network.identities.authorities import CertificateAuthority, KeyPair
from countermark.network.identities.certificates import load_certificate
from countermark.network.identities.files import write_file

DOMAIN = "gateway.example"

LEAST = timedelta(days=30)
"""How long a certificate must still hold, or a new one is made."""


@dataclass(frozen=True, slots=True)
class GatewayCertificate:
    """Certificate and key of the gateway, and the certificate of their authority; all PEM."""

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes


def gateway_certificate(folder: Path, names: Sequence[str], *, now: datetime | None = None) -> GatewayCertificate:
    """Return the certificate for `names`, from `folder`; made there, or anew for other names or before it ends.

    Raises:
        IdentityError: files in the folder are damaged, or the authority has expired.
    """
    authority = _authority(folder)
    certificate, key = folder / "gateway-cert.pem", folder / "gateway-key.pem"
    moment = now or datetime.now(UTC)
    if not _serves(certificate, key, names, moment):
        pair = authority.issue_tls("gateway", names, now=now)
        write_private(key, pair.key_pem)
        write_file(certificate, pair.certificate_pem)
    return GatewayCertificate(certificate.read_bytes(), key.read_bytes(), authority.pair.certificate_pem)


def _authority(folder: Path) -> CertificateAuthority:
    certificate, key = folder / "ca-cert.pem", folder / "ca-key.pem"
    if not certificate.exists():
        made = CertificateAuthority.create("tlsca", DOMAIN)
        private_folder(folder)
        write_private(key, made.pair.key_pem)
        # Last: where it is, the key is too.
        write_file(certificate, made.pair.certificate_pem)
    return CertificateAuthority(DOMAIN, KeyPair(certificate.read_bytes(), key.read_bytes()))


def _serves(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> bool:
    if not (certificate.exists() and key.exists()):
        return False
    loaded = load_certificate(certificate.read_bytes())
    return loaded.not_after - now > LEAST and _names(loaded.parsed) == set(names)


def _names(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(ip_address(str(one))) for one in names.get_values_for_type(x509.IPAddress)}
    return {*names.get_values_for_type(x509.DNSName), *addresses}

"""What an organisation's MSP accepts: the check that every peer makes of a creator and of an endorser.

An identity is a member when its certificate was issued by a root of the MSP, holds at the time in question, and names
exactly one NodeOU. Issuing goes straight from root to member here: intermediate authorities are refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from countermark.network.errors import IdentityError
from countermark.network.identities.roles import Role
from countermark.network.identities.serialized import SerializedIdentity, load_certificate


@dataclass(frozen=True, slots=True)
class Member:
    """An identity that its MSP has accepted."""

    msp_id: str
    role: Role
    name: str
    """The certificate's common name."""


@dataclass(frozen=True, slots=True)
class Msp:
    """The public definition of one organisation: its id and its root certificates (PEM)."""

    msp_id: str
    root_certs: tuple[bytes, ...]
    tls_root_certs: tuple[bytes, ...] = ()

    def validate(self, identity: SerializedIdentity, *, at_ms: int) -> Member:
        """Return the member that `identity` was at `at_ms` (milliseconds since the epoch).

        Raises:
            IdentityError: Another MSP's, not issued by a root of this one, expired or not yet valid, a CA itself, or
                without exactly one role.
        """
        if identity.msp_id != self.msp_id:
            raise IdentityError("unknown_msp", f"{identity.msp_id} is not {self.msp_id}")
        certificate = identity.certificate
        self._check_issuer(certificate)
        _check_time(certificate, datetime.fromtimestamp(at_ms / 1000, UTC))
        if _is_authority(certificate):
            raise IdentityError("not_a_member", "a CA certificate does not act for its organisation")
        return Member(self.msp_id, _role(certificate), _attribute(certificate, NameOID.COMMON_NAME))

    def _check_issuer(self, certificate: x509.Certificate) -> None:
        for pem in self.root_certs:
            root = load_certificate(pem)
            if certificate.issuer != root.subject or not _is_authority(root):
                continue
            try:
                certificate.verify_directly_issued_by(root)
            except (InvalidSignature, ValueError, TypeError):
                continue  # another root may have the same name
            return
        raise IdentityError("untrusted_certificate", f"not issued by a root of {self.msp_id}")


class Consortium:
    """The MSPs of a channel, looked up by id."""

    def __init__(self, msps: Iterable[Msp]) -> None:
        self._msps = {msp.msp_id: msp for msp in msps}

    @property
    def msp_ids(self) -> tuple[str, ...]:
        """Ids of all organisations, sorted."""
        return tuple(sorted(self._msps))

    def msp(self, msp_id: str) -> Msp:
        """Return the definition of `msp_id`.

        Raises:
            IdentityError: No organisation of the channel has that id.
        """
        if msp_id not in self._msps:
            raise IdentityError("unknown_msp", f"{msp_id} is not an organisation of this channel")
        return self._msps[msp_id]

    def validate(self, identity: SerializedIdentity, *, at_ms: int) -> Member:
        """Return the member that `identity` was at `at_ms`, by the rules of its own MSP.

        Raises:
            IdentityError: Its MSP is unknown or refuses it.
        """
        return self.msp(identity.msp_id).validate(identity, at_ms=at_ms)


def _check_time(certificate: x509.Certificate, at: datetime) -> None:
    if at < certificate.not_valid_before_utc:
        raise IdentityError("certificate_not_yet_valid", f"valid from {certificate.not_valid_before_utc}")
    if at > certificate.not_valid_after_utc:
        raise IdentityError("certificate_expired", f"valid until {certificate.not_valid_after_utc}")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _role(certificate: x509.Certificate) -> Role:
    units = {
        str(attribute.value)
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    }
    roles = [role for role in Role if role.value in units]
    if len(roles) != 1:
        raise IdentityError("no_role", "the certificate must name exactly one of client, peer, admin, orderer as OU")
    return roles[0]


def _attribute(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    attributes = certificate.subject.get_attributes_for_oid(oid)
    return str(attributes[0].value) if attributes else ""

"""X.509 certificates, taken apart once and completely.

The X.509 library parses on demand: a certificate that loads may fail when its key or an extension is asked for.
Whoever holds a `Certificate` has everything that the rules of an MSP look at, and needs no further errors.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from countermark.network.errors import IdentityError

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says."""

    key: ec.EllipticCurvePublicKey = field(repr=False)
    is_authority: bool
    common_name: str
    units: frozenset[str]
    """The OUs of the subject."""
    not_before: datetime
    not_after: datetime
    fingerprint: bytes = field(repr=False)
    """SHA-256 of the DER: the same for every way to write the PEM."""
    parsed: x509.Certificate = field(repr=False)

    def issued_by(self, authority: "Certificate") -> bool:
        """Return whether the certificate `authority`, which must be a CA's, issued this one."""
        if not authority.is_authority:
            return False
        try:
            self.parsed.verify_directly_issued_by(authority.parsed)
        except (InvalidSignature, *_UNREADABLE):
            return False
        return True


@lru_cache(maxsize=1024)
def load_certificate(pem: bytes) -> Certificate:
    """Return the certificate in `pem`.

    Raises:
        IdentityError: There is none, a part of it does not parse, or its key is not on P-256.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise IdentityError("unsupported_key", "the certificate's key is not on P-256")
        return Certificate(
            key=key,
            is_authority=_is_authority(certificate),
            common_name=str(names[0].value) if names else "",
            units=frozenset(str(unit.value) for unit in units),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            fingerprint=certificate.fingerprint(hashes.SHA256()),
            parsed=certificate,
        )
    except _UNREADABLE as error:
        raise IdentityError("malformed_certificate", "not a readable X.509 certificate in PEM") from error


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False

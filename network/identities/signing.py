"""An identity that can sign: certificate and private key of one member of an organisation."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from countermark.network.errors import IdentityError
from countermark.network.identities.certificates import load_certificate
from countermark.network.identities.serialized import SerializedIdentity
from countermark.network.identities.signatures import sign


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """Certificate and key of one member of `msp_id`; its text form never shows the key."""

    msp_id: str
    certificate_pem: bytes = field(repr=False)
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    serialized: bytes = field(init=False, repr=False)
    """The bytes of msp.SerializedIdentity for this identity."""

    def __post_init__(self) -> None:
        if load_certificate(self.certificate_pem).key != self.key.public_key():
            raise IdentityError("key_mismatch", "the private key does not belong to the certificate")
        identity = SerializedIdentity(self.msp_id, self.certificate_pem)
        object.__setattr__(self, "serialized", identity.serialized)

    @classmethod
    def load(cls, msp_id: str, certificate_file: Path, key_file: Path) -> "SigningIdentity":
        """Return the identity in two PEM files (the key unencrypted PKCS #8, as Fabric keeps it).

        Raises:
            IdentityError: A file is missing, does not parse, or the key is not the certificate's.
        """
        try:
            certificate_pem, key_pem = certificate_file.read_bytes(), key_file.read_bytes()
        except OSError as error:
            raise IdentityError("unreadable_identity", f"{error.filename}: {error.strerror}") from error
        return cls(msp_id, certificate_pem, load_key(key_pem))

    def sign(self, data: bytes) -> bytes:
        """Return the low-S DER signature of SHA-256(`data`)."""
        return sign(self.key, data)


def load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 private key in `pem`.

    Raises:
        IdentityError: There is none. The message shows nothing of the file.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IdentityError("malformed_key", "not an unencrypted private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError("unsupported_key", "the private key is not on P-256")
    return key

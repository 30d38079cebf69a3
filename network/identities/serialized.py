"""Who made a transaction or an endorsement: MSP id and certificate, as they stand in Fabric's messages."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.msp.identities_pb2 import SerializedIdentity as _Wire
from google.protobuf.message import DecodeError

from countermark.network.errors import IdentityError
from countermark.network.identities.signatures import verify


@dataclass(frozen=True, slots=True)
class SerializedIdentity:
    """An MSP id with a certificate in PEM; whether that MSP accepts it, `Msp.validate` tells."""

    msp_id: str
    certificate_pem: bytes

    @staticmethod
    def parse(data: bytes) -> "SerializedIdentity":
        """Return the identity in the protobuf bytes `data`.

        Raises:
            IdentityError: They are not msp.SerializedIdentity, or MSP id or certificate are missing.
        """
        return _parse(data)

    @property
    def serialized(self) -> bytes:
        """The bytes of msp.SerializedIdentity: `creator` of headers, `endorser` of endorsements."""
        return bytes(_Wire(mspid=self.msp_id, id_bytes=self.certificate_pem).SerializeToString(deterministic=True))

    @property
    def certificate(self) -> x509.Certificate:
        """The parsed certificate.

        Raises:
            IdentityError: The PEM does not hold an X.509 certificate.
        """
        return load_certificate(self.certificate_pem)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check that the owner of this certificate signed `data`.

        Raises:
            IdentityError: The certificate does not parse or its key is not on P-256.
            SignatureError: `signature` is not the low-S signature by its key.
        """
        verify(public_key(self.certificate), signature, data)


@lru_cache(maxsize=1024)
def _parse(data: bytes) -> SerializedIdentity:
    wire = _Wire()
    try:
        wire.ParseFromString(data)
    except DecodeError as error:
        raise IdentityError("malformed_identity", "not a serialized identity") from error
    if not wire.mspid or not wire.id_bytes:
        raise IdentityError("malformed_identity", "MSP id or certificate is missing")
    return SerializedIdentity(wire.mspid, wire.id_bytes)


@lru_cache(maxsize=1024)
def load_certificate(pem: bytes) -> x509.Certificate:
    """Return the X.509 certificate in `pem`.

    Raises:
        IdentityError: There is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise IdentityError("malformed_certificate", "not an X.509 certificate in PEM") from error


def public_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key of `certificate`.

    Raises:
        IdentityError: The key is of another kind or curve.
    """
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError("unsupported_key", "the certificate's key is not on P-256")
    return key

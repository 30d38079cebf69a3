"""Who made a transaction or an endorsement: MSP id and certificate, as they stand in Fabric's messages."""

from dataclasses import dataclass
from functools import lru_cache

from fabric_protos.msp.identities_pb2 import SerializedIdentity as _Wire
from google.protobuf.message import DecodeError

from countermark.network.errors import IdentityError
from countermark.network.identities.certificates import Certificate, load_certificate
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
    def certificate(self) -> Certificate:
        """The parsed certificate.

        Raises:
            IdentityError: The PEM does not hold a readable certificate with a key on P-256.
        """
        return load_certificate(self.certificate_pem)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check that the owner of this certificate signed `data`.

        Raises:
            IdentityError: The certificate is not readable or its key is not on P-256.
            SignatureError: `signature` is not the low-S signature by its key.
        """
        verify(self.certificate.key, signature, data)


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

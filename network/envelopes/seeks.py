"""Requests for blocks (orderer.SeekInfo in a signed envelope), as the Deliver services take them."""

from dataclasses import dataclass
from enum import Enum

from fabric_protos.orderer import ab_pb2

from countermark.network.envelopes.headers import HeaderType, build_header
from countermark.network.envelopes.transactions import Envelope, build_payload, sign_payload
from countermark.network.envelopes.wire import decode, encode
from countermark.network.errors import EnvelopeError
from countermark.network.identities import SigningIdentity

# "No end": the highest block number that the field holds; the server then goes on with blocks as they come.
FOREVER = 2**64 - 1


class Edge(Enum):
    """A position that only the server can turn into a number."""

    OLDEST = "oldest"
    NEWEST = "newest"
    NEXT_COMMIT = "next_commit"


Position = int | Edge


@dataclass(frozen=True, slots=True)
class Seek:
    """Blocks `start` to `stop`, both included; with `wait`, those that do not exist yet are waited for."""

    start: Position
    stop: Position = FOREVER
    wait: bool = True

    @staticmethod
    def parse(envelope: Envelope) -> "Seek":
        """Return the request in `envelope`.

        Raises:
            EnvelopeError: It is not a request for blocks, or lacks a start or a stop.
        """
        # Fabric's own clients use DELIVER_SEEK_INFO, its Java client CONFIG_UPDATE: the type tells nothing more.
        wire = decode(ab_pb2.SeekInfo, envelope.data, "seek request")
        wait = wire.behavior == ab_pb2.SeekInfo.BLOCK_UNTIL_READY
        return Seek(_position(wire.start), _position(wire.stop), wait)


def build_seek(
    identity: SigningIdentity, channel: str, seek: Seek, *, now_ms: int, tls_cert_hash: bytes = b""
) -> Envelope:
    """Return the signed request for `seek` on `channel`.

    Args:
        identity: Who asks.
        channel: Whose blocks.
        seek: Which of them.
        now_ms: Time of the request; the server bounds its age.
        tls_cert_hash: SHA-256 of the client's TLS certificate (DER), where the server wants client certificates.
    """
    header = build_header(identity, HeaderType.DELIVER_SEEK_INFO, channel, now_ms=now_ms, tls_cert_hash=tls_cert_hash)
    behaviour = ab_pb2.SeekInfo.BLOCK_UNTIL_READY if seek.wait else ab_pb2.SeekInfo.FAIL_IF_NOT_READY
    info = ab_pb2.SeekInfo(start=_wire(seek.start), stop=_wire(seek.stop), behavior=behaviour)
    return sign_payload(identity, build_payload(header, encode(info)))


def _wire(position: Position) -> ab_pb2.SeekPosition:
    match position:
        case Edge.OLDEST:
            return ab_pb2.SeekPosition(oldest=ab_pb2.SeekOldest())
        case Edge.NEWEST:
            return ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
        case Edge.NEXT_COMMIT:
            return ab_pb2.SeekPosition(next_commit=ab_pb2.SeekNextCommit())
        case number:
            return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def _position(wire: ab_pb2.SeekPosition) -> Position:
    match wire.WhichOneof("Type"):
        case "oldest":
            return Edge.OLDEST
        case "newest":
            return Edge.NEWEST
        case "next_commit":
            return Edge.NEXT_COMMIT
        case "specified":
            return int(wire.specified.number)
        case _:
            raise EnvelopeError("malformed_seek", "start or stop is missing")

"""The part of a stub that comes from the client's proposal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked for; the fields are those of `Stub`."""

    tx_id: str
    channel_id: str
    chaincode: str
    creator_mspid: str
    creator_certificate: bytes = field(repr=False)
    timestamp_ms: int
    function: str
    args: tuple[bytes, ...] = field(repr=False)
    transient: Mapping[str, bytes] = field(repr=False)


class OfCall:
    """Base of the stubs: shows the fields of a `Call` as the protocol wants them."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def tx_id(self) -> str:
        """See `Stub.tx_id`."""
        return self._call.tx_id

    @property
    def channel_id(self) -> str:
        """See `Stub.channel_id`."""
        return self._call.channel_id

    @property
    def chaincode(self) -> str:
        """See `Stub.chaincode`."""
        return self._call.chaincode

    @property
    def creator_mspid(self) -> str:
        """See `Stub.creator_mspid`."""
        return self._call.creator_mspid

    @property
    def creator_certificate(self) -> bytes:
        """See `Stub.creator_certificate`."""
        return self._call.creator_certificate

    @property
    def timestamp_ms(self) -> int:
        """See `Stub.timestamp_ms`."""
        return self._call.timestamp_ms

    @property
    def function(self) -> str:
        """See `Stub.function`."""
        return self._call.function

    @property
    def args(self) -> Sequence[bytes]:
        """See `Stub.args`."""
        return self._call.args

    @property
    def transient(self) -> Mapping[str, bytes]:
        """See `Stub.transient`."""
        return self._call.transient

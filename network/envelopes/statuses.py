"""Errors of gRPC calls with their details: google.rpc.Status, which travels in a trailer as bytes.

The Python protobuf package carries no google.rpc.Status; its three fields are declared here rather than adding a
package for them.
"""

from dataclasses import dataclass
from typing import Any

from fabric_protos.gateway import gateway_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from countermark.network.envelopes.wire import decode, encode

TRAILER = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What one endpoint said of a failed call (gateway.ErrorDetail)."""

    address: str
    msp_id: str
    message: str


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """A gRPC status code with its message and what each endpoint said."""

    code: int
    message: str
    details: tuple[ErrorDetail, ...] = ()

    @property
    def serialized(self) -> bytes:
        """The bytes of google.rpc.Status, for the trailer `TRAILER`."""
        return encode(_STATUS(code=self.code, message=self.message, details=[_pack(one) for one in self.details]))

    @staticmethod
    def parse(data: bytes) -> "RpcStatus":
        """Return the status in the bytes of google.rpc.Status; details of other kinds are left out.

        Raises:
            EnvelopeError: They do not parse.
        """
        wire = decode(_STATUS, data, "status")
        details = []
        for item in wire.details:
            packed = decode(any_pb2.Any, item, "status detail")
            if packed.Is(gateway_pb2.ErrorDetail.DESCRIPTOR):
                detail = decode(gateway_pb2.ErrorDetail, packed.value, "error detail")
                details.append(ErrorDetail(detail.address, detail.msp_id, detail.message))
        return RpcStatus(wire.code, wire.message, tuple(details))


def _pack(detail: ErrorDetail) -> bytes:
    packed = any_pb2.Any()
    packed.Pack(gateway_pb2.ErrorDetail(address=detail.address, msp_id=detail.msp_id, message=detail.message))
    return encode(packed)


def _declare_status() -> Any:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="countermark/rpc_status.proto", package="countermark.rpc", syntax="proto3"
    )
    message = file.message_type.add(name="Status")
    message.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    message.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    # google.protobuf.Any in the original: on the wire an embedded message and bytes are the same.
    message.field.add(name="details", number=3, type=field.TYPE_BYTES, label=field.LABEL_REPEATED)
    # A pool of its own: this declaration is nobody else's business.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("countermark.rpc.Status"))


_STATUS = _declare_status()

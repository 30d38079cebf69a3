"""Read what a client proposed out of the message with which a peer starts an invocation."""

from typing import Any, Final

from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2
from google.protobuf.message import DecodeError

from countermark.chaincode.shim.call import Call
from countermark.chaincode.shim.errors import ShimError

_ENDORSER_TRANSACTION: Final = common_pb2.ENDORSER_TRANSACTION


def parse(message: Any) -> Call:
    """Return the call of a TRANSACTION or INIT `ChaincodeMessage`.

    The peer has verified the client's signature before it sends the message, so what is checked here is only that
    the parts belong together. A call from a chaincode of another channel fails by that; one from a chaincode of the
    same channel does not, and `Call.chaincode` is then the name of the chaincode that the client asked.

    Raises:
        ShimError: the message holds no complete proposal of its own transaction.
    """
    try:
        return _parse(message)
    except DecodeError as error:
        raise ShimError("the peer sent a proposal that cannot be read") from error


def _parse(message: Any) -> Call:
    if not message.HasField("proposal"):
        raise ShimError("the peer sent an invocation without its proposal")
    proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    if channel.type != _ENDORSER_TRANSACTION or not channel.HasField("timestamp"):
        raise ShimError("the proposal is no endorser transaction with a timestamp")
    if (channel.channel_id, channel.tx_id) != (message.channel_id, message.txid):
        raise ShimError("the proposal belongs to another transaction")
    extension = proposal_pb2.ChaincodeHeaderExtension.FromString(channel.extension)
    signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
    creator = identities_pb2.SerializedIdentity.FromString(signature_header.creator)
    if not creator.mspid:
        raise ShimError("the proposal names no creator")
    transient = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload).TransientMap
    arguments = chaincode_pb2.ChaincodeInput.FromString(message.payload).args
    return Call(
        tx_id=channel.tx_id,
        channel_id=channel.channel_id,
        chaincode=extension.chaincode_id.name,
        creator_mspid=creator.mspid,
        creator_certificate=creator.id_bytes,
        timestamp_ms=channel.timestamp.seconds * 1_000 + channel.timestamp.nanos // 1_000_000,
        # A name that is no UTF-8 becomes one that no contract has.
        function=arguments[0].decode(errors="replace") if arguments else "",
        args=tuple(arguments[1:]),
        transient=dict(transient),
    )

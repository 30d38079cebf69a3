"""A client of one orderer: hands over envelopes and reads blocks (orderer.AtomicBroadcast).

Transactions of the market go through a peer's gateway. This is for what no gateway does: changes of the channel's
configuration, and blocks for a node that is not on the channel yet.
"""

import time
from collections.abc import Iterator

import grpc
from fabric_protos.common import common_pb2

from countermark.network.blocks import Block
from countermark.network.client.channels import NodeChannel
from countermark.network.client.errors import DeliverError, SubmitError
from countermark.network.client.statuses import ledger_error
from countermark.network.client.streams import Delivery
from countermark.network.envelopes import FOREVER, Edge, Seek, build_seek
from countermark.network.envelopes.wire import decode
from countermark.network.errors import NetworkError
from countermark.network.identities import SigningIdentity
from countermark.protocol.errors import ErrorCode
from countermark.protocol.retries import Phase, Retry

TIMEOUT_S = 10.0
"""Seconds that a call may take, if the caller does not say."""

_AWAY = (common_pb2.SERVICE_UNAVAILABLE, common_pb2.INTERNAL_SERVER_ERROR)


class OrdererClient:
    """Speaks for one member of an organisation of `channel` to one orderer."""

    def __init__(
        self, address: str, *, tls_ca: bytes, host_override: str = "", channel: str, identity: SigningIdentity
    ) -> None:
        """Nothing is connected yet.

        Args:
            address: host:port of the orderer.
            tls_ca: Certificates (PEM) that its TLS certificate must chain to.
            host_override: Name that its TLS certificate carries, where it is not the host.
            channel: Whose blocks and envelopes.
            identity: Who asks.
        """
        self.address = address
        self._connection = NodeChannel(address, tls_ca, host_override)
        self._channel = channel
        self._identity = identity

    def broadcast(self, envelope: bytes, *, timeout: float = TIMEOUT_S) -> None:
        """Hand over `envelope` (common.Envelope); it has been taken in when this returns, not ordered.

        Raises:
            EnvelopeError: The bytes are no envelope.
            SubmitError: The orderer refused it (its `status` is that of the orderer), or (OUTCOME_UNKNOWN) did not
                answer.
        """
        request = decode(common_pb2.Envelope, envelope, "envelope")
        call = self._connection.services().ordering.Broadcast(iter((request,)), timeout=timeout)
        try:
            answer = next(call, None)
        except grpc.RpcError as error:
            raise ledger_error(Phase.SUBMIT, error) from error
        finally:
            call.cancel()
        if answer is None:
            raise SubmitError(ErrorCode.OUTCOME_UNKNOWN, f"{self.address} did not answer", retry=Retry.OTHER)
        if answer.status == common_pb2.SUCCESS:
            return
        name = common_pb2.Status.Name(answer.status)
        away = answer.status in _AWAY
        raise SubmitError(
            ErrorCode.LEDGER_UNAVAILABLE if away else ErrorCode.ENDORSEMENT_FAILED,
            f"{self.address} answers {name}: {answer.info}",
            retry=Retry.OTHER if away else Retry.NEVER,
            status=name,
        )

    def newest_block(self, *, timeout: float = TIMEOUT_S) -> Block:
        """Return the last block that the orderer has.

        Raises:
            DeliverError: It sent none.
        """
        return self._first(Seek(Edge.NEWEST, Edge.NEWEST), Delivery(None, 0), timeout)

    def block(self, number: int, *, timeout: float = TIMEOUT_S) -> Block:
        """Return block `number`, which there must be.

        Raises:
            DeliverError: The orderer sent none.
        """
        return self._first(Seek(number, number, wait=False), Delivery(number, number), timeout)

    def blocks(self, start: int, *, timeout: float) -> Iterator[Block]:
        """Yield blocks from number `start` on, waiting for those that do not exist yet, for `timeout` seconds in all.

        Raises:
            DeliverError: No more come, or not in time.
        """
        yield from self._deliver(Seek(start), Delivery(start, FOREVER), timeout)

    def close(self) -> None:
        """Close the connection; calls that are under way end."""
        self._connection.close()

    def _first(self, seek: Seek, delivery: Delivery, timeout: float) -> Block:
        for block in self._deliver(seek, delivery, timeout):
            return block
        raise DeliverError(ErrorCode.LEDGER_UNAVAILABLE, f"{self.address} sent no block", retry=Retry.OTHER)

    def _deliver(self, seek: Seek, delivery: Delivery, timeout: float) -> Iterator[Block]:
        envelope = build_seek(self._identity, self._channel, seek, now_ms=time.time_ns() // 1_000_000)
        wire = common_pb2.Envelope(payload=envelope.payload, signature=envelope.signature)
        call = self._connection.services().ordering.Deliver(iter((wire,)), timeout=timeout)
        try:
            for response in call:
                block = delivery.parse(response)
                if block is None:
                    break
                yield block
            delivery.check_end()
        except grpc.RpcError as error:
            raise ledger_error(Phase.DELIVER, error) from error
        except NetworkError as error:
            detail = f"{self.address} sent what is no block: {error}"
            raise DeliverError(ErrorCode.LEDGER_UNAVAILABLE, detail, retry=Retry.OTHER) from error
        finally:
            call.cancel()

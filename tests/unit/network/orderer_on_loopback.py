"""An orderer's services on loopback: real TLS, and blocks made of the updates that it is given; scripted refusals."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc

from countermark.network.blocks import Block, parse_block, read_config
from countermark.network.blocks.configs import SignedUpdate, apply_update, verify_signers
from countermark.network.client import OrdererClient
from countermark.network.envelopes import Edge, Envelope, HeaderType, Seek
from countermark.network.errors import NetworkError
from tests.support.reconfiguration import config_block, ordered_update
from tests.unit.network.consortium import CHANNEL, Network

Script = Callable[["LoopbackOrderer", Envelope], Any]


class LoopbackOrderer(ab_pb2_grpc.AtomicBroadcastServicer):
    """One orderer that orders what it is given at once, each envelope into a block of its own.

    `scripts` are what the next calls of Broadcast do instead: they return the answer, None to end without one.
    Orderers that share `blocks` are of one cluster.
    """

    def __init__(self, network: Network, blocks: list[Block] | None = None) -> None:
        self.network = network
        self.blocks = [network.genesis()] if blocks is None else blocks
        self.scripts: deque[Script] = deque()
        self.asked: list[Seek] = []
        self.waiting = threading.Event()
        """Set when somebody waits for a block that there is not yet."""
        self._changed = threading.Condition()
        self._stopped = False
        self._server = grpc.server(ThreadPoolExecutor(8))
        ab_pb2_grpc.add_AtomicBroadcastServicer_to_server(self, self._server)
        pair = (network.tls.key_file.read_bytes(), network.tls.certificate_file.read_bytes())
        self._port = self._server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        self._server.start()

    def client(self) -> OrdererClient:
        return OrdererClient(
            f"127.0.0.1:{self._port}",
            tls_ca=self.network.organisations["platform"].tls_ca_file.read_bytes(),
            channel=CHANNEL,
            identity=self.network.admin("platform"),
        )

    def order(self, envelope: Envelope) -> None:
        """Make a block of the update in `envelope`."""
        config = read_config(self.blocks[self.blocks[-1].last_config])
        signed = SignedUpdate.parse(envelope.data)
        after = apply_update(config, signed.update, verify_signers(signed, config.members))
        number, orderer = len(self.blocks), self.network.orderer
        made = ordered_update(after, envelope.serialized, CHANNEL, orderer)
        self.append(parse_block(config_block(number, self.blocks[-1].header_hash, made, orderer=orderer)))

    def append(self, block: Block) -> None:
        with self._changed:
            self.blocks.append(block)
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._server.stop(None)

    def Broadcast(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802 - Fabric's name
        for request in requests:
            envelope = Envelope.parse(request.SerializeToString())
            assert envelope.header.type is HeaderType.CONFIG_UPDATE
            envelope.verify_signature()
            if self.scripts:
                answer = self.scripts.popleft()(self, envelope)
                if answer is None:
                    return
                yield answer
                continue
            try:
                self.order(envelope)
            except NetworkError as error:
                yield refused(common_pb2.BAD_REQUEST, str(error))
                return
            yield ab_pb2.BroadcastResponse(status=common_pb2.SUCCESS)

    def _has(self, number: int) -> bool:
        """Return whether there is block `number`, or nothing will come any more."""
        return number < len(self.blocks) or self._stopped

    def Deliver(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802 - Fabric's name
        seek = Seek.parse(Envelope.parse(next(requests).SerializeToString()))
        self.asked.append(seek)
        number = len(self.blocks) - 1 if seek.start is Edge.NEWEST else int(str(seek.start))
        stop = number if seek.stop is Edge.NEWEST else int(str(seek.stop))
        while number <= stop:
            with self._changed:
                if number >= len(self.blocks) and not seek.wait:
                    yield ab_pb2.DeliverResponse(status=common_pb2.NOT_FOUND)
                    return
                if number >= len(self.blocks):
                    self.waiting.set()
                self._changed.wait_for(partial(self._has, number))
                if self._stopped:
                    return
                block = self.blocks[number]
            yield ab_pb2.DeliverResponse(block=common_pb2.Block.FromString(block.serialized))
            number += 1
        yield ab_pb2.DeliverResponse(status=common_pb2.SUCCESS)


def refused(status: int, info: str = "no") -> Any:
    return ab_pb2.BroadcastResponse(status=status, info=info)


def answering(status: int) -> Script:
    return lambda _orderer, _envelope: refused(status)


def silent(_orderer: LoopbackOrderer, _envelope: Envelope) -> Any:
    """Take nothing, and say nothing."""
    return None


def silent_but_ordered(orderer: LoopbackOrderer, envelope: Envelope) -> Any:
    """Order it, and say nothing."""
    orderer.order(envelope)
    return None

"""The peer's side of `protos.Chaincode/Connect` for tests: a real gRPC client over mutual TLS on loopback.

It answers requests from a `Simulation`, so what it does to keys, ranges and private data is what the in-memory
channel does, and it keeps to a peer's habits: results in batches, one open request per transaction.
"""

import asyncio
import contextlib
import datetime
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.common import common_pb2
from fabric_protos.ledger.queryresult import kv_query_result_pb2 as results_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2_grpc, proposal_pb2, proposal_response_pb2
from fabric_protos.peer import chaincode_shim_pb2 as shim_pb2

from countermark.chaincode.shim.call import Call
from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.service import ChaincodeServer, Tls
from countermark.chaincode.shim.stub import Handler, Page
from countermark.chaincode.simulation import Simulation, World

M = shim_pb2.ChaincodeMessage
CHANNEL, CHAINCODE, CCID = "market", "countermark", "countermark_1:0a0b0c"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nclient\n-----END CERTIFICATE-----\n"
TIMESTAMP_MS = 1_767_225_600_123
BATCH = 3
MEMBERS = {"fingerprints": frozenset({"PlatformMSP", "SupervisorMSP"})}


def tx_id(number: int) -> str:
    return f"{number:064x}"


def transaction(
    function: str,
    *args: bytes,
    number: int = 1,
    msp: str = "PlatformMSP",
    transient: Mapping[str, bytes] | None = None,
) -> Any:
    """A TRANSACTION message as a peer builds it from a client's proposal."""
    given = chaincode_pb2.ChaincodeInput(args=[function.encode(), *args])
    channel = common_pb2.ChannelHeader(type=common_pb2.ENDORSER_TRANSACTION, channel_id=CHANNEL, tx_id=tx_id(number))
    channel.timestamp.seconds, channel.timestamp.nanos = divmod(TIMESTAMP_MS, 1000)
    channel.timestamp.nanos *= 1_000_000
    extension = proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_pb2.ChaincodeID(name=CHAINCODE))
    channel.extension = extension.SerializeToString()
    creator = identities_pb2.SerializedIdentity(mspid=msp, id_bytes=CERTIFICATE)
    signature_header = common_pb2.SignatureHeader(creator=creator.SerializeToString(), nonce=b"n" * 24)
    header = common_pb2.Header(
        channel_header=channel.SerializeToString(), signature_header=signature_header.SerializeToString()
    )
    payload = proposal_pb2.ChaincodeProposalPayload(TransientMap=transient or {})
    proposal = proposal_pb2.Proposal(header=header.SerializeToString(), payload=payload.SerializeToString())
    message = M(type=M.TRANSACTION, channel_id=CHANNEL, txid=tx_id(number), payload=given.SerializeToString())
    message.proposal.proposal_bytes = proposal.SerializeToString()
    return message


@dataclass
class Peer:
    """One open stream. `requests` holds every request seen; `answer` may be replaced to misbehave.

    While `reading` is not set it takes in no more than one further message.
    """

    stream: Any
    world: World = field(default_factory=lambda: World(MEMBERS))
    requests: list[Any] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    simulations: dict[str, Simulation] = field(default_factory=dict)
    answer: Callable[[Any], Awaitable[bytes | None]] | None = None
    _open: set[str] = field(default_factory=set)
    _rows: dict[str, list[bytes]] = field(default_factory=dict)
    _ended: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    other: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    reading: asyncio.Event = field(default_factory=asyncio.Event)

    async def register(self, offer: Any = None) -> Any:
        """Read REGISTER, answer REGISTERED and READY; returns the package id."""
        register = await self.stream.read()
        assert register.type == M.REGISTER
        await self.send(M(type=M.REGISTERED))
        await self.send(M(type=M.READY, payload=offer.SerializeToString() if offer else b""))
        self.reading.set()
        reader = asyncio.create_task(self._read())
        self._tasks.add(reader)
        return chaincode_pb2.ChaincodeID.FromString(register.payload).name

    async def send(self, message: Any) -> None:
        async with self._writing:
            await self.stream.write(message)

    async def begin(self, message: Any) -> asyncio.Future[Any]:
        """Send a TRANSACTION; the future gives its COMPLETED or ERROR."""
        given = chaincode_pb2.ChaincodeInput.FromString(message.payload).args if message.payload else []
        self.simulations[message.txid] = Simulation(
            self.world,
            Call(message.txid, CHANNEL, CHAINCODE, "PlatformMSP", b"", 0, str(given[:1]), (), {}),
            "PlatformMSP",
        )
        ended = self._ended[message.txid] = asyncio.get_running_loop().create_future()
        await self.send(message)
        return ended

    async def run(self, message: Any) -> Any:
        """Run a TRANSACTION to its end; returns the last message."""
        return await asyncio.wait_for(await self.begin(message), 10)

    async def invoke(self, function: str, *args: bytes, **options: Any) -> Any:
        """Run a transaction and return its `Response`, or the ERROR message."""
        message = await self.run(transaction(function, *args, **options))
        return proposal_response_pb2.Response.FromString(message.payload) if message.type == M.COMPLETED else message

    async def stop_reading(self) -> None:
        """Take in nothing more until `reading` is set."""
        for last in (False, True):
            if last:  # the read that waits by now still takes one message
                self.reading.clear()
            await self.send(M(type=M.KEEPALIVE))
            assert (await asyncio.wait_for(self.other.get(), 5)).type == M.KEEPALIVE

    async def close(self) -> None:
        self.stream.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            await self.reading.wait()
            try:
                message = await self.stream.read()
            except grpc.aio.AioRpcError as error:
                self.other.put_nowait(error)
                return
            if message is grpc.aio.EOF:
                self.other.put_nowait(message)
                return
            if message.type in (M.COMPLETED, M.ERROR):
                ended = self._ended.pop(message.txid, None)
                if ended is None:
                    self.violations.append(f"a second answer to {message.txid}")
                else:
                    ended.set_result(message)
            elif message.txid:
                self.requests.append(message)
                if message.txid in self._open:
                    self.violations.append(f"a second open request of {message.txid}")
                self._open.add(message.txid)
                task = asyncio.create_task(self._reply(message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                self.other.put_nowait(message)

    async def _reply(self, message: Any) -> None:
        try:
            payload = await (self.answer or self.serve)(message)
            reply = M(type=M.RESPONSE, channel_id=message.channel_id, txid=message.txid, payload=payload)
        except ShimError as error:
            reply = M(type=M.ERROR, channel_id=message.channel_id, txid=message.txid, payload=str(error).encode())
        self._open.discard(message.txid)
        await self.send(reply)

    async def serve(self, message: Any) -> bytes | None:
        """Answer a request from the transaction's simulation."""
        stub = self.simulations[message.txid]
        match message.type:
            case M.GET_STATE:
                get = shim_pb2.GetState.FromString(message.payload)
                if get.collection:
                    return await stub.get_private_data(get.collection, get.key)
                return await stub.get_state(get.key)
            case M.GET_STATE_MULTIPLE:
                values = await stub.get_states(shim_pb2.GetStateMultiple.FromString(message.payload).keys)
                return shim_pb2.GetStateMultipleResult(values=[value or b"" for value in values]).SerializeToString()
            case M.GET_PRIVATE_DATA_HASH:
                get = shim_pb2.GetState.FromString(message.payload)
                return await stub.get_private_data_hash(get.collection, get.key)
            case M.PUT_STATE:
                await self._put(stub, shim_pb2.PutState.FromString(message.payload))
            case M.DEL_STATE:
                await self._delete(stub, shim_pb2.DelState.FromString(message.payload))
            case M.PURGE_PRIVATE_DATA:
                purge = shim_pb2.PurgePrivateState.FromString(message.payload)
                await stub.purge_private_data(purge.collection, purge.key)
            case M.WRITE_BATCH_STATE:
                await self._write_batch(stub, shim_pb2.WriteBatchState.FromString(message.payload))
            case M.PUT_STATE_METADATA:
                put = shim_pb2.PutStateMetadata.FromString(message.payload)
                assert put.metadata.metakey == "VALIDATION_PARAMETER"
                await stub.set_state_validation_parameter(put.key, put.metadata.value)
            case M.GET_STATE_METADATA:
                get = shim_pb2.GetStateMetadata.FromString(message.payload)
                policy = await stub.get_state_validation_parameter(get.key)
                result = shim_pb2.StateMetadataResult()
                result.entries.add(metakey="ANOTHER", value=b"x")
                if policy:
                    result.entries.add(metakey="VALIDATION_PARAMETER", value=policy)
                return result.SerializeToString()
            case M.GET_STATE_BY_RANGE:
                return await self._range(stub, shim_pb2.GetStateByRange.FromString(message.payload))
            case M.GET_HISTORY_FOR_KEY:
                return await self._history(stub, shim_pb2.GetHistoryForKey.FromString(message.payload).key)
            case M.QUERY_STATE_NEXT:
                return self._next(shim_pb2.QueryStateNext.FromString(message.payload).id)
            case M.QUERY_STATE_CLOSE:
                query = shim_pb2.QueryStateClose.FromString(message.payload).id
                self._rows.pop(query)
                return shim_pb2.QueryResponse(id=query).SerializeToString()
            case unknown:
                self.violations.append(f"a peer knows no request {unknown}")
        return b""

    async def _put(self, stub: Simulation, put: Any) -> None:
        if put.collection:
            await stub.put_private_data(put.collection, put.key, put.value)
        else:
            await stub.put_state(put.key, put.value)

    async def _delete(self, stub: Simulation, delete: Any) -> None:
        if delete.collection:
            await stub.del_private_data(delete.collection, delete.key)
        else:
            await stub.del_state(delete.key)

    async def _write_batch(self, stub: Simulation, batch: Any) -> None:
        for record in batch.rec:
            match record.type:
                case shim_pb2.WriteRecord.PUT_STATE:
                    await self._put(stub, record)
                case shim_pb2.WriteRecord.DEL_STATE:
                    await self._delete(stub, record)
                case shim_pb2.WriteRecord.PURGE_PRIVATE_DATA:
                    await stub.purge_private_data(record.collection, record.key)
                case _:
                    await stub.set_state_validation_parameter(record.key, record.metadata.value)

    async def _range(self, stub: Simulation, asked: Any) -> bytes:
        metadata = b""
        if asked.metadata:
            pages = shim_pb2.QueryMetadata.FromString(asked.metadata)
            page = await stub.get_state_by_range(
                asked.startKey, asked.endKey, page_size=pages.pageSize, bookmark=pages.bookmark
            )
            told = shim_pb2.QueryResponseMetadata(fetched_records_count=len(page.items), bookmark=page.bookmark)
            metadata = told.SerializeToString()
        else:
            page = await stub.get_state_by_range(asked.startKey, asked.endKey)
        rows = _rows(page)
        if metadata:
            return shim_pb2.QueryResponse(results=_wrap(rows), id="q", metadata=metadata).SerializeToString()
        return self._first(rows)

    async def _history(self, stub: Simulation, key: str) -> bytes:
        rows = []
        for entry in await stub.get_history_for_key(key):
            change = results_pb2.KeyModification(tx_id=entry.tx_id, value=entry.value, is_delete=entry.is_delete)
            change.timestamp.FromMilliseconds(entry.timestamp_ms)
            rows.append(change.SerializeToString())
        return self._first(rows)

    def _first(self, rows: list[bytes]) -> bytes:
        query = f"query {len(self._rows)}"
        self._rows[query] = rows
        return self._next(query)

    def _next(self, query: str) -> bytes:
        rows = self._rows[query]
        batch, self._rows[query] = rows[:BATCH], rows[BATCH:]
        if not self._rows[query]:
            del self._rows[query]
        answer = shim_pb2.QueryResponse(results=_wrap(batch), has_more=query in self._rows, id=query)
        return answer.SerializeToString()

    @property
    def open_queries(self) -> int:
        return len(self._rows)


def _rows(page: Page) -> list[bytes]:
    return [results_pb2.KV(namespace=CHAINCODE, key=k, value=v).SerializeToString() for k, v in page.items]


def _wrap(rows: list[bytes]) -> list[Any]:
    return [shim_pb2.QueryResultBytes(resultBytes=row) for row in rows]


@dataclass(frozen=True)
class TestTls:
    """A TLS authority, a server certificate for loopback, and two clients: one of ours and one of a stranger."""

    __test__ = False

    server: Tls
    roots: bytes
    client: tuple[bytes, bytes]
    stranger: tuple[bytes, bytes]

    def channel(self, port: int, *, pair: tuple[bytes, bytes] | None, options: Any = ()) -> Any:
        key, certificate = pair or (None, None)
        credentials = grpc.ssl_channel_credentials(self.roots, key, certificate)
        return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options)


def make_tls(folder: Path) -> TestTls:
    authority_key, authority = _certificate("authority", None)
    _, stranger_authority = stranger = _certificate("stranger", None)
    server_key, server = _certificate("server", (authority_key, authority))
    client_key, client = _certificate("peer", (authority_key, authority))
    other_key, other = _certificate("other", (stranger[0], stranger_authority))
    files = {"key.pem": _pem_key(server_key), "cert.pem": _pem(server), "ca.pem": _pem(authority)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return TestTls(
        Tls(folder / "cert.pem", folder / "key.pem", folder / "ca.pem"),
        _pem(authority),
        (_pem_key(client_key), _pem(client)),
        (_pem_key(other_key), _pem(other)),
    )


def _certificate(
    name: str, issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
    )
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@contextlib.asynccontextmanager
async def connected(port: int, tls: TestTls, *, offer: Any = None, options: Any = ()) -> AsyncIterator[Peer]:
    """A peer whose stream to the server on `port` is ready."""
    async with tls.channel(port, pair=tls.client, options=options) as channel:
        peer = Peer(chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect())
        assert await peer.register(offer) == CCID
        try:
            yield peer
        finally:
            await peer.close()


def run(
    tls: TestTls,
    handler: Handler,
    scenario: Callable[[Peer], Awaitable[None]],
    *,
    offer: Any = None,
    options: Any = (),
    time_limit_s: float = 30.0,
) -> None:
    """Start a server with `handler`, connect a peer, run `scenario`, and end both."""

    async def everything() -> None:
        server = ChaincodeServer(CCID, handler, time_limit_s)
        port = await server.start("127.0.0.1:0", tls.server)
        try:
            async with connected(port, tls, offer=offer, options=options) as peer:
                await asyncio.wait_for(scenario(peer), 30)
                assert peer.violations == []
        finally:
            await server.stop(0)

    asyncio.run(everything())

"""The system chaincodes that clients ask for blocks and channels: `qscc` and `cscc`, as far as they only read.

They run inside the peer. Names, arguments and texts are those of Fabric's `core/scc`; what changes a peer there
(joining channels, snapshots) does not exist here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import query_pb2, transaction_pb2

from countermark.network.blocks import parse_block
from countermark.network.embedded.errors import StorageError
from countermark.network.embedded.ledger.chain import Ledger
from countermark.network.embedded.ledger.state import TransactionRow
from countermark.network.envelopes import Response
from countermark.network.envelopes.wire import encode

QSCC: Final = "qscc"
CSCC: Final = "cscc"
NAMES: Final = frozenset({QSCC, CSCC})

VERSION: Final = "syscc"
"""The version under which Fabric's peers endorse what their own chaincodes answer."""

_SUCCESS: Final = 200
_ERROR: Final = 500
_NEWEST: Final = 2**64 - 1
_LONGEST_NUMBER: Final = 20


class _RefusedError(Exception):
    """The call is answered with status 500 and this text."""


class SystemChaincodes:
    """Answers from the ledger of the one channel that the peer has."""

    def __init__(self, channel: str, ledger: Ledger) -> None:
        self._channel = channel
        self._ledger = ledger
        self._functions: Mapping[tuple[str, str], Callable[[bytes], bytes]] = {
            (QSCC, "GetChainInfo"): self._chain_info,
            (QSCC, "GetBlockByNumber"): self._block_by_number,
            (QSCC, "GetBlockByHash"): self._block_by_hash,
            (QSCC, "GetBlockByTxID"): self._block_by_tx_id,
            (QSCC, "GetTransactionByID"): self._transaction,
            (CSCC, "GetConfigBlock"): self._config_block,
            (CSCC, "GetChannels"): self._channels,
        }

    def call(self, name: str, args: Sequence[bytes]) -> Response:
        """Return what chaincode `name` answers to `args`: function, channel, and the function's own argument."""
        try:
            return Response(_SUCCESS, self._call(name, args))
        except (_RefusedError, StorageError) as error:
            return Response(_ERROR, message=str(error))

    def _call(self, name: str, args: Sequence[bytes]) -> bytes:
        words = [arg.decode(errors="replace") for arg in args[:2]]
        function = self._functions.get((name, words[0])) if words else None
        if function is None:
            raise _RefusedError(f"Requested function {words[0] if words else ''} not found.")
        if function != self._channels:
            if len(words) < 2:
                raise _RefusedError(f"Incorrect number of arguments, {len(args)}")
            if words[1] != self._channel:
                raise _RefusedError(f"Invalid chain ID, {words[1]}")
        needs_argument = name == QSCC and function != self._chain_info
        if needs_argument and len(args) < 3:
            raise _RefusedError(f"missing 3rd argument for {words[0]}")
        return function(args[2] if len(args) > 2 else b"")

    def _chain_info(self, _: bytes) -> bytes:
        tip = self._ledger.tip
        previous = parse_block(self._ledger.block(tip.number)).previous_hash
        info = ledger_pb2.BlockchainInfo(
            height=tip.number + 1, currentBlockHash=tip.header_hash, previousBlockHash=previous
        )
        return encode(info)

    def _block_by_number(self, argument: bytes) -> bytes:
        text = argument.decode(errors="replace")
        if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
            raise _RefusedError("Failed to parse block number with error: not a decimal number")
        number = int(text)
        return self._ledger.block(self._ledger.tip.number if number == _NEWEST else number)

    def _block_by_hash(self, argument: bytes) -> bytes:
        row = self._ledger.state.block_by_hash(argument)
        if row is None:
            raise _RefusedError(f"Failed to get block hash {argument.hex()}, error no such block hash")
        return self._ledger.block(row.number)

    def _block_by_tx_id(self, argument: bytes) -> bytes:
        return self._ledger.block(self._find(argument).version[0])

    def _transaction(self, argument: bytes) -> bytes:
        found = self._find(argument)
        number, position = found.version
        block = common_pb2.Block.FromString(self._ledger.block(number))
        processed = transaction_pb2.ProcessedTransaction(
            transactionEnvelope=common_pb2.Envelope.FromString(block.data.data[position]), validationCode=found.code
        )
        return encode(processed)

    def _config_block(self, _: bytes) -> bytes:
        return self._ledger.block(0)  # a channel of this peer is never reconfigured

    def _channels(self, _: bytes) -> bytes:
        return encode(query_pb2.ChannelQueryResponse(channels=[query_pb2.ChannelInfo(channel_id=self._channel)]))

    def _find(self, argument: bytes) -> TransactionRow:
        tx_id = argument.decode(errors="replace")
        row = self._ledger.transaction(tx_id)
        if row is None:
            raise _RefusedError(f"Failed to get transaction with id {tx_id}, error no such transaction ID")
        return row

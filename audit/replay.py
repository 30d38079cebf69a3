"""Replay of a ledger: every block verified, every transaction judged anew, the world state rebuilt.

Blocks come from the auditor's own peer, but nothing that they claim is believed: links, hashes and the orderers'
signatures are checked, creators and endorsers are looked up in the channel's own configuration, and validity is
decided by the auditor, from policies, versions and transaction ids. A verdict that differs from the peer's is an
error, because it means that somebody's books are wrong. And so is an act that organisations endorsed though no
account has signed an intent for it, or though that intent has acted before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from countermark.audit.errors import AuditError
from countermark.audit.policy import LIFECYCLE, MarketPolicy, market_policy
from countermark.audit.signers import read_intent
from countermark.network.blocks import (
    Block,
    ChannelConfig,
    RangeQuery,
    Transaction,
    read_config,
    verify_creator,
    verify_data_hash,
    verify_endorsements,
    verify_link,
    verify_orderers,
)
from countermark.network.errors import BlockError
from countermark.network.identities import Role

Version = tuple[int, int]

_WRITERS = frozenset({Role.CLIENT, Role.ADMIN})
"""Who may submit transactions (the channel's Writers)."""


@dataclass(frozen=True)
class Change:
    """One change of one key: where it stands, who made and endorsed it, and the value (None: deleted)."""

    block: int
    transaction: Transaction = field(repr=False)
    endorsers: tuple[str, ...]
    """MSP ids of the endorsements that hold."""
    signer: str
    """Account whose intent asked for it; "" where the market needs none."""
    value: bytes | None = field(repr=False)


class Replay:
    """The state of one market's chaincode after the blocks that were applied, with the history of each key."""

    def __init__(self, *, chaincode: str, platform: str, supervisor: str) -> None:
        """``platform`` and ``supervisor`` are MSP ids; the other members stand in the channel's genesis block."""
        self._chaincode = chaincode
        self._platform = platform
        self._supervisor = supervisor
        self._config: ChannelConfig | None = None
        self._policy: MarketPolicy | None = None
        self._previous_hash = b""
        self._versions: dict[tuple[str, str], Version] = {}
        self._private: dict[tuple[str, str, bytes], Version] = {}
        self._seen: set[str] = set()
        self._intents: set[tuple[str, str]] = set()
        self.genesis = b""
        """Header hash of block 0: what the members of the channel know it by."""
        self.height = 0
        self.transactions = 0
        self.invalid = 0
        self.state: dict[str, bytes] = {}
        self.history: dict[str, list[Change]] = {}

    @property
    def tip(self) -> bytes:
        """Header hash of the last block applied."""
        return self._previous_hash

    def apply_all(self, blocks: Iterable[Block]) -> None:
        """Apply ``blocks`` in order.

        Raises:
            AuditError: at the first thing that does not hold.
        """
        for block in blocks:
            self.apply(block)

    def apply(self, block: Block) -> None:
        """Verify ``block`` and apply what is valid in it.

        Raises:
            AuditError: it does not hold.
        """
        try:
            self._verify(block)
        except BlockError as error:
            position = -1 if error.transaction is None else error.transaction
            raise AuditError(error.code, error.detail, block=block.number, transaction=position) from error
        for transaction in block.transactions:
            self.transactions += 1
            self._apply(block.number, transaction)
        self._previous_hash = block.header_hash
        self.height = block.number + 1

    def _verify(self, block: Block) -> None:
        verify_link(block, number=self.height, previous_hash=self._previous_hash)
        verify_data_hash(block)
        if block.number == 0:
            self._config = read_config(block)
            self.genesis = block.header_hash
            self._policy = market_policy(
                self._chaincode,
                self._config.organisations.msp_ids,
                platform=self._platform,
                supervisor=self._supervisor,
            )
            return
        assert self._config is not None
        verify_orderers(block, self._config.orderers)

    def _apply(self, number: int, transaction: Transaction) -> None:
        if transaction.kind == "config":
            # A reconfiguration changes who may endorse; this replay knows the genesis configuration only.
            if number:
                raise AuditError("config_update", "the channel was reconfigured", block=number)
            return
        endorsers, problem = self._judge(number, transaction)
        if (problem is None) != transaction.valid:
            detail = f"the peer says {transaction.code_name}, the replay says {problem or 'VALID'}"
            raise AuditError("validation_differs", detail, block=number, transaction=transaction.position)
        if problem is not None:
            self.invalid += 1
            return
        self._write(Change(number, transaction, endorsers, self._signer(number, transaction), None))

    def _signer(self, number: int, transaction: Transaction) -> str:
        """Return the account that asked for ``transaction``, which must not have asked for another by that intent."""
        if transaction.chaincode != self._chaincode or not transaction.writes:
            # A query that was submitted, or a repeated intent, which is answered from the first outcome.
            return ""
        intent = read_intent(number, transaction)
        if intent is None:
            return ""
        if (intent.signer, intent.nonce) in self._intents:
            detail = f"the intent of {transaction.function} has acted before"
            raise AuditError("intent_reused", detail, block=number, transaction=transaction.position)
        self._intents.add((intent.signer, intent.nonce))
        return intent.signer

    def _judge(self, number: int, transaction: Transaction) -> tuple[tuple[str, ...], str | None]:
        """Return the endorsing MSPs and, when it is invalid, why."""
        assert self._config is not None
        assert self._policy is not None
        try:
            creator = verify_creator(number, transaction, self._config.organisations)
        except BlockError as error:
            # Whoever it pretends to be by has not used up the id.
            return (), error.code
        if creator.role not in _WRITERS or transaction.channel != self._config.channel:
            return (), "not for this channel"
        if transaction.tx_id in self._seen:
            return (), "DUPLICATE_TXID"
        self._seen.add(transaction.tx_id)
        if transaction.chaincode not in (self._chaincode, LIFECYCLE):
            return (), "another chaincode"
        if not 200 <= transaction.response_status < 400:
            return (), f"the contracts answered {transaction.response_status}"
        try:
            members = {
                member.msp_id
                for policy in self._policy.needed(transaction)
                for member in verify_endorsements(number, transaction, self._config.organisations, policy)
            }
        except BlockError as error:
            return (), error.code
        if not _writes_its_own(transaction):
            return (), "ILLEGAL_WRITESET"
        if not self._current(transaction):
            return (), "MVCC_READ_CONFLICT"
        return tuple(sorted(members)), None

    def _current(self, transaction: Transaction) -> bool:
        """Return whether all that ``transaction`` read is still as it read it."""
        rwset = transaction.rwset
        if any(self._versions.get((read.namespace, read.key)) != read.version for read in rwset.reads):
            return False
        for hashes in rwset.private_hashes:
            for read in hashes.reads:
                if self._private.get((hashes.namespace, hashes.collection, read.key_hash)) != read.version:
                    return False
        return all(self._range(query) == [(read.key, read.version) for read in query.reads] for query in rwset.ranges)

    def _range(self, query: RangeQuery) -> list[tuple[str, Version]]:
        # A range that was not read to its end ends with the last key that was read.
        end = query.end if query.exhausted else query.end + "\x00"
        keys = sorted(
            key
            for namespace, key in self._versions
            if namespace == query.namespace and query.start <= key and (not end or key < end)
        )
        return [(key, self._versions[query.namespace, key]) for key in keys]

    def _write(self, change: Change) -> None:
        transaction = change.transaction
        version = (change.block, transaction.position)
        for write in transaction.writes:
            place = (write.namespace, write.key)
            if write.is_delete:
                self._versions.pop(place, None)
            else:
                self._versions[place] = version
            if write.namespace != self._chaincode:
                continue
            value = None if write.is_delete else write.value
            self.history.setdefault(write.key, []).append(replace(change, value=value))
            if value is None:
                self.state.pop(write.key, None)
            else:
                self.state[write.key] = value
        for hashes in transaction.private_hashes:
            for private in hashes.writes:
                key = (hashes.namespace, hashes.collection, private.key_hash)
                if private.is_delete or private.is_purge:
                    self._private.pop(key, None)
                else:
                    self._private[key] = version


def _writes_its_own(transaction: Transaction) -> bool:
    """Return whether ``transaction`` writes under its own chaincode's name only, and no policy of a single key."""
    rwset = transaction.rwset
    spaces = {write.namespace for write in rwset.writes}
    spaces |= {hashes.namespace for hashes in rwset.private_hashes if hashes.writes}
    return not rwset.metadata_keys and spaces <= {transaction.chaincode}

"""Replay of a ledger: every block verified, every transaction judged anew, the world state rebuilt.

Blocks come from the auditor's own peer, but nothing that they claim is believed: links, hashes and the orderers'
signatures are checked, creators and endorsers are looked up in the channel's own configuration, whose first block the
auditor knows by its hash and each of whose changes must have been signed as the one before it wants, and validity is
decided by the auditor, from policies, versions and transaction ids. A verdict that differs from the peer's is an
error, because it means that somebody's books are wrong. And so is an act that organisations endorsed though no
account has signed an intent for it, though that intent has acted before or was cancelled, or though the market's
rules (`conduct`) do not allow it.

What a block changes of the channel, its configuration or the definition of a chaincode, holds from the next one on.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from countermark.audit.acts import Act
from countermark.audit.books import Books, MemoryBooks
from countermark.audit.conduct import judge
from countermark.audit.errors import AuditError
from countermark.audit.governance import Governance
from countermark.audit.roots import Roots
from countermark.audit.signers import read_intent
from countermark.audit.versions import Versions
from countermark.network.blocks import (
    Block,
    Transaction,
    verify_creator,
    verify_data_hash,
    verify_endorsements,
    verify_link,
)
from countermark.network.errors import BlockError, NetworkError
from countermark.network.identities import Role
from countermark.protocol.intents import Intent


@dataclass(frozen=True)
class Change:
    """One change of one key: where it stands, who made and endorsed it, and the value (None: deleted)."""

    block: int
    transaction: Transaction = field(repr=False)
    endorsers: tuple[str, ...]
    """MSP ids of the peers whose endorsements hold."""
    signer: str
    """Account whose intent asked for it; "" where the market needs none."""
    value: bytes | None = field(repr=False)


class _Verdict(NamedTuple):
    """What a transaction is worth: why it is invalid, which MSPs endorsed it, whether an administrator made it."""

    problem: str = ""
    """"" if it is valid."""
    endorsers: tuple[str, ...] = ()
    admin: bool = False


class Replay:
    """The state of one market's chaincode after the blocks that were applied, with the history of each key."""

    def __init__(
        self,
        *,
        chaincode: str,
        platform: str,
        supervisor: str,
        genesis: bytes = b"",
        roots: Roots | None = None,
        books: Books | None = None,
        watched: Collection[str] | None = None,
    ) -> None:
        """Begin a replay of the market that ``chaincode`` keeps.

        Args:
            chaincode: Name of the market's chaincode.
            platform: MSP id of the platform; the other members stand in the channel's configuration.
            supervisor: MSP id of the supervisor.
            genesis: Header hash of block 0, by which the channel is known and all in it believed.
            roots: Who the organisations are that configurations name; must be given where ``genesis`` is not.
            books: Where what grows with the ledger is kept; in memory if not given.
            watched: Keys whose history is kept; all of them if not given.
        """
        if not genesis and roots is None:
            raise ValueError("a replay wants a genesis block or root certificates that its reader trusts")
        self._chaincode = chaincode
        self._governance = Governance(chaincode=chaincode, platform=platform, supervisor=supervisor, roots=roots)
        self._previous_hash = b""
        books = MemoryBooks() if books is None else books
        self._versions = Versions(books.versions)
        self._used = books.used
        """Transaction ids of all blocks before this one."""
        self._accepted: set[str] = set()
        """Those of this block whose transactions hold but for what they read."""
        self._watched = watched
        self.genesis = genesis
        self.height = 0
        self.transactions = 0
        self.invalid = 0
        self.state = books.state
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

    def apply(self, block: Block) -> tuple[Change, ...]:
        """Verify ``block``, apply what is valid in it, and return that: a change, without key and value, of each.

        Raises:
            AuditError: it does not hold.
        """
        try:
            self._verify(block)
        except BlockError as error:
            position = -1 if error.transaction is None else error.transaction
            raise AuditError(error.code, error.detail, block=block.number, transaction=position) from error
        self._versions.begin_block()
        self._accepted.clear()
        changes = [self._apply(block.number, transaction) for transaction in block.transactions]
        self.transactions += len(changes)
        self._used.update(transaction.tx_id for transaction in block.transactions)
        self._governance.end_block(block.number)
        self._previous_hash = block.header_hash
        self.height = block.number + 1
        return tuple(change for change in changes if change is not None)

    def _verify(self, block: Block) -> None:
        verify_link(block, number=self.height, previous_hash=self._previous_hash)
        verify_data_hash(block)
        if block.number == 0:
            self.genesis = self.genesis or block.header_hash
            if block.header_hash != self.genesis:
                detail = "the ledger begins with another block than the channel that is to be audited"
                raise BlockError("genesis_differs", detail, block=0)
        self._governance.begin_block(block)

    def _apply(self, number: int, transaction: Transaction) -> Change | None:
        if transaction.kind == "config":
            # It was verified with its block, in which there is nothing else; peers stop at one that is not valid.
            if number and not transaction.valid:
                detail = f"the peer says {transaction.code_name} of a configuration that holds"
                raise AuditError("validation_differs", detail, block=number, transaction=transaction.position)
            return None
        verdict = self._judge(number, transaction)
        if bool(verdict.problem) is transaction.valid:
            detail = f"the peer says {transaction.code_name}, the replay says {verdict.problem or 'VALID'}"
            raise AuditError("validation_differs", detail, block=number, transaction=transaction.position)
        if verdict.problem:
            self.invalid += 1
            return None
        signer = self._check_conduct(number, transaction, admin=verdict.admin)
        self._versions.write(transaction.rwset, (number, transaction.position))
        change = Change(number, transaction, verdict.endorsers, signer, None)
        self._write(change)
        return change

    def _check_conduct(self, number: int, transaction: Transaction, *, admin: bool) -> str:
        """Return the account that asked for ``transaction``, once everything in it is as the market's rules say."""
        private = any(hashes.writes for hashes in transaction.private_hashes)
        if transaction.chaincode != self._chaincode or not (transaction.writes or private):
            # A query that was submitted, or a repeated intent, which is answered from the first outcome.
            return ""
        try:
            act = Act.of(transaction, read_intent(transaction), admin=admin)
            if act.intent is not None:
                self._check_unused(act.intent)
            judge(act, self.state)
        except AuditError as error:
            raise error.at(number, transaction.position) from error
        return act.signer

    def _check_unused(self, intent: Intent) -> None:
        """Check that ``intent`` has not acted before, nor one with its nonce, and that it is not cancelled."""
        nonces = [intent.nonce, intent.params["nonce"]] if intent.action == "intent.cancel" else [intent.nonce]
        # No act passes (`effects`) that leaves out what it must write there, or writes there for another.
        if any(f"intent/{intent.signer}/{nonce}" in self.state for nonce in nonces):
            raise AuditError("intent_reused", f"the intent of {intent.action} has acted before, or was cancelled")

    def _judge(self, number: int, transaction: Transaction) -> _Verdict:
        config = self._governance.config
        try:
            creator = verify_creator(number, transaction, config.organisations)
        except BlockError as error:
            return _Verdict(error.code)
        if not self._governance.may_write(creator) or transaction.channel != config.channel:
            return _Verdict("not for this channel")
        if transaction.tx_id in self._used:
            return _Verdict("DUPLICATE_TXID")
        try:
            policy = self._governance.policy_of(transaction.chaincode)
        except NetworkError as error:
            raise AuditError(error.code, error.detail, block=number, transaction=transaction.position) from error
        if policy is None:
            return _Verdict("no chaincode of the channel")
        if not 200 <= transaction.response_status < 400:
            return _Verdict(f"the contracts answered {transaction.response_status}")
        try:
            members = {
                member.msp_id
                for needed in policy.needed(transaction)
                for member in verify_endorsements(number, transaction, config.organisations, needed)
            }
        except BlockError as error:
            return _Verdict(error.code)
        if not _writes_its_own(transaction):
            return _Verdict("ILLEGAL_WRITESET")
        # Within a block an id is used up by a transaction that holds so far, whatever it has read.
        if transaction.tx_id in self._accepted:
            return _Verdict("DUPLICATE_TXID")
        self._accepted.add(transaction.tx_id)
        if not self._versions.current(transaction.rwset):
            return _Verdict("MVCC_READ_CONFLICT")
        return _Verdict("", tuple(sorted(members)), creator.role is Role.ADMIN)

    def _write(self, change: Change) -> None:
        self._governance.write(change.transaction)
        for write in change.transaction.writes:
            if write.namespace != self._chaincode:
                continue
            value = None if write.is_delete else write.value
            if self._watched is None or write.key in self._watched:
                self.history.setdefault(write.key, []).append(replace(change, value=value))
            if value is None:
                self.state.pop(write.key, None)
            else:
                self.state[write.key] = value


def _writes_its_own(transaction: Transaction) -> bool:
    """Return whether ``transaction`` writes under its own chaincode's name only, and no policy of a single key."""
    rwset = transaction.rwset
    spaces = {write.namespace for write in rwset.writes}
    spaces |= {hashes.namespace for hashes in rwset.private_hashes if hashes.writes}
    return not rwset.metadata_keys and spaces <= {transaction.chaincode}

"""The checks that every transaction of a block passes before its writes count, in Fabric's order.

`Validator` decides what the bytes alone tell: form, signatures, endorsement policies. `conflict` compares what was
read with the state as it is now. Both are pure: the same block and state give the same codes on every replay.
"""

from dataclasses import dataclass, field
from itertools import groupby

from countermark.network.blocks import RangeQuery, ReadWriteSet, endorsing_members, satisfied
from countermark.network.blocks.codes import Code
from countermark.network.blocks.parsing import claimed_header
from countermark.network.blocks.rwsets import Version
from countermark.network.embedded.ledger.snapshots import View
from countermark.network.embedded.membership import WRITERS, Membership
from countermark.network.envelopes import EndorsedTransaction, Envelope, HeaderType
from countermark.network.errors import EnvelopeError, IdentityError, SignatureError
from countermark.network.lifecycle.definition import Definition

_SCAN = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """A transaction with the verdict on its bytes; empty fields where these did not parse."""

    code: Code
    well_formed: bool
    """Form and creator hold: only then does it matter whether its id was used before."""
    tx_id: str
    """The id that its header claims, whoever it is by."""
    timestamp_ms: int
    rwset: ReadWriteSet = field(default_factory=ReadWriteSet)


class Validator:
    """Checks transactions of `channel` against the chaincode's definition and the channel's members."""

    def __init__(self, channel: str, definition: Definition, membership: Membership) -> None:
        self._channel = channel
        self._definition = definition
        self._membership = membership

    def check(self, raw: bytes) -> Checked:
        """Return the transaction in `raw` (common.Envelope) with the code that its bytes alone give it."""
        tx_id, _, timestamp_ms = claimed_header(raw)
        try:
            envelope = Envelope.parse(raw)
        except EnvelopeError:
            return Checked(Code.BAD_PAYLOAD, False, tx_id, timestamp_ms)
        code = self._check_envelope(envelope)
        if code is not Code.VALID:
            return Checked(code, False, tx_id, timestamp_ms)
        try:
            endorsed = EndorsedTransaction.parse(envelope)
            endorsed.check_binding()
        except EnvelopeError:
            return Checked(Code.INVALID_ENDORSER_TRANSACTION, False, tx_id, timestamp_ms)
        try:
            rwset = ReadWriteSet.parse(endorsed.response.outcome.results)
        except EnvelopeError:
            return Checked(Code.BAD_RWSET, True, tx_id, timestamp_ms)
        return Checked(self._check_endorsed(endorsed, rwset), True, tx_id, timestamp_ms, rwset)

    def _check_envelope(self, envelope: Envelope) -> Code:
        header = envelope.header
        if header.type is not HeaderType.ENDORSER_TRANSACTION:
            return Code.BAD_COMMON_HEADER
        if header.channel != self._channel:
            return Code.TARGET_CHAIN_NOT_FOUND
        try:
            self._membership.authenticate(
                header.creator, envelope.signature, envelope.payload, at_ms=None, roles=WRITERS
            )
        except (IdentityError, SignatureError):
            return Code.BAD_CREATOR_SIGNATURE
        try:
            header.check_tx_id()
        except EnvelopeError:
            return Code.BAD_PROPOSAL_TXID
        return Code.VALID

    def _check_endorsed(self, endorsed: EndorsedTransaction, rwset: ReadWriteSet) -> Code:
        outcome = endorsed.response.outcome
        definition = self._definition
        if (outcome.chaincode, outcome.version) != (definition.name, definition.version):
            return Code.INVALID_CHAINCODE
        if not 200 <= outcome.response.status < 400:
            return Code.INVALID_ENDORSER_TRANSACTION
        if not _writes_only(rwset, definition):
            return Code.ILLEGAL_WRITESET
        membership = self._membership
        endorsers, _ = endorsing_members(endorsed, membership.recognise, membership.verify_endorsement)
        if not all(satisfied(policy, endorsers) for policy in definition.policies(rwset)):
            return Code.ENDORSEMENT_POLICY_FAILURE
        return Code.VALID


def conflict(rwset: ReadWriteSet, view: View) -> Code:
    """Return VALID if everything that was read is still at the version that was found, else which kind changed."""
    for namespace, group in groupby(rwset.reads, key=lambda read: read.namespace):
        reads = tuple(group)
        versions = view.versions(namespace, [read.key for read in reads])
        # Each read by itself: one key may stand there twice, with two versions.
        if any(versions.get(read.key) != read.version for read in reads):
            return Code.MVCC_READ_CONFLICT
    for hashes in rwset.private_hashes:
        for hashed in hashes.reads:
            found = view.get(hashes.namespace, hashes.collection, hashed.key_hash)
            if (found.version if found else None) != hashed.version:
                return Code.MVCC_READ_CONFLICT
    if not all(_range_unchanged(query, view) for query in rwset.ranges):
        return Code.PHANTOM_READ_CONFLICT
    return Code.VALID


def _writes_only(rwset: ReadWriteSet, definition: Definition) -> bool:
    """True if only this chaincode's keys and collections are written, and no key-level policies are."""
    return (
        not rwset.metadata_keys
        and all(write.namespace == definition.name for write in rwset.writes)
        and all(
            hashes.namespace == definition.name and definition.collection(hashes.collection) is not None
            for hashes in rwset.private_hashes
            if hashes.writes
        )
    )


def _range_unchanged(query: RangeQuery, view: View) -> bool:
    found: list[tuple[str, Version]] = []
    after: str | None = None
    while True:
        page = view.scan(query.namespace, query.start, query.stop, limit=_SCAN, after=after)
        found.extend((one.key, one.version) for one in page)
        if len(page) < _SCAN:
            return query.unchanged(found)
        after = page[-1].key

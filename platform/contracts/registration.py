"""Register data: steps (4) to (6), from the sealed application to the contract on the ledger.

One database transaction records the gate's decision, the contract's row with its private columns, the item
fingerprints and the ledger transaction to be made. From then on the registration is a fact that every later decision
of the gate sees, and the outbox brings the transaction to an end, crash or not: the contract comes to be on both
sides, or, when the ledger refuses, `clearing` takes the row away again (R27).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from countermark.platform.contracts import parts
from countermark.platform.contracts.application import KIND, Application, Draft, check_terms, examine, parse_draft
from countermark.platform.contracts.market import load_market
from countermark.platform.contracts.parts import Parts, PartsMissingError
from countermark.platform.contracts.private import PrivateColumns
from countermark.platform.contracts.under_way import UnderWay
from countermark.platform.matching.allowance import ALLOWANCE, Allowance, Asker, load_asker
from countermark.platform.matching.decision import Decision
from countermark.platform.matching.gate import Candidacy, Gate, Ruling
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Entry, Outbox, Request
from countermark.platform.store.quotas import Quota
from countermark.platform.store.sql import Connection, select, update
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig
from countermark.protocol.sealed import EncryptionKey, open_sealed


@dataclass(frozen=True, slots=True)
class Registered:
    """What the gate allowed: the contract's address, the case, and the ledger transaction under way.

    ``entry`` is to be driven by the caller (`Submitter.drive`); a worker does it otherwise.
    """

    address: str
    case_number: str
    entry: Entry


class Registration:
    """Takes applications. May be shared between threads."""

    def __init__(
        self,
        *,
        database: Database,
        gate: Gate,
        outbox: Outbox,
        columns: PrivateColumns,
        parts: Parts,
        keys: Mapping[int, EncryptionKey],
        market: str,
        clock: Callable[[], int],
        allowance: Allowance = ALLOWANCE,
        writes: Quota | None = None,
    ) -> None:
        """Create the service.

        Args:
            database: the platform's tables.
            gate: decides on step (5).
            outbox: saves ledger transactions.
            columns: seals private columns.
            parts: keeps the fingerprints that come before their application.
            keys: the platform's encryption keys by version.
            market: channel/chaincode.
            clock: gives the time in ms since the epoch.
            allowance: how many refusals an account may collect, by itself and with its organisation.
            writes: what an account may ask of the ledger, by whatever way.
        """
        self._database = database
        self._gate = gate
        self._outbox = outbox
        self._columns = columns
        self._parts = parts
        self._keys = keys
        self._market = market
        self._clock = clock
        self._under_way = UnderWay()
        self._allowance = allowance
        self._writes = writes

    def register(self, message: object) -> Registered:
        """Take a sealed application and return the registration under way; the same intent again returns the same.

        Raises:
            PartsMissingError: fingerprints that the application names are not here.
            MarketError: SEALED_MALFORMED, SEALED_UNDECRYPTABLE, UNKNOWN_KEY_VERSION; a code of `parse_draft`,
                `check_terms` or `examine`; BUSY while the same is being compared; UNKNOWN_ACCOUNT, RATE_LIMITED,
                INTENT_REPLAYED; the gate's refusal, whose detail names the case.
        """
        draft = parse_draft(open_sealed(self._keys, message, kind=KIND, market=self._market), market=self._market)
        now_ms, intent = self._clock(), draft.intent
        with self._database.begin() as connection:
            # First of all: what was decided stays decided, whatever clock, market and quota have become since.
            ruling = self._gate.find(connection, intent.signer, intent.nonce, intent.digest)
            if ruling is not None:
                entry = self._transaction(connection, ruling)
            else:
                config = load_market(connection)
                asker = load_asker(connection, intent.signer)
                self._allowance.check_refusals(connection, asker, now_ms=now_ms)
        if ruling is None:
            # A large collection takes minutes: whoever sends it again meanwhile must not make it take longer.
            with self._under_way.entering(intent.digest):
                ruling, entry = self._decide(draft, asker, config, now_ms=now_ms)
        # Only now, for a refusal is recorded as well.
        ruling.check()
        if entry is None:
            raise MarketError(ErrorCode.INTERNAL, f"case {ruling.case_number} has no transaction")
        return Registered(ruling.address, ruling.case_number, entry)

    def _decide(
        self, draft: Draft, asker: Asker, config: MarketConfig, *, now_ms: int
    ) -> tuple[Ruling, Entry | None]:
        """Return the gate's decision on ``draft``, recorded, and the ledger transaction of an allowed one."""
        check_terms(draft, config=config, now_ms=now_ms)
        try:
            items = self._parts.open(draft.intent.signer, draft.parts) if draft.parts else draft.items
            application = examine(draft, items, config=config)
        except PartsMissingError:
            # They go with a decision: another process may have come to one since we looked.
            decided = self._decided(draft)
            if decided is None:
                raise
            return decided
        candidacy = _candidacy(application, asker)
        with self._database.begin() as connection:
            # Only what is well made and in time: whoever sends an old one again uses up nothing of its seller's.
            if self._writes is not None:
                self._writes.spend(connection, application.seller, now_ms=now_ms)
            self._gate.refresh(connection)
        # The long comparison, and no transaction is open meanwhile.
        survey = self._gate.survey(candidacy, now_ms=now_ms)
        with self._database.begin() as connection:
            # What came in since is compared under the gate's lock: it must still hold when the row is committed.
            ruling = self._gate.rule(connection, candidacy, survey, now_ms=now_ms)
            entry = self._follow(connection, application, asker, ruling, config, now_ms=now_ms)
            parts.spend(connection, application.seller, draft.parts)
        return ruling, entry

    def _decided(self, draft: Draft) -> tuple[Ruling, Entry | None] | None:
        """Return the decision on ``draft`` that there is already, with its ledger transaction."""
        intent = draft.intent
        with self._database.begin() as connection:
            ruling = self._gate.find(connection, intent.signer, intent.nonce, intent.digest)
            return None if ruling is None else (ruling, self._transaction(connection, ruling))

    def _follow(
        self,
        connection: Connection,
        application: Application,
        asker: Asker,
        ruling: Ruling,
        config: MarketConfig,
        *,
        now_ms: int,
    ) -> Entry | None:
        """Add to a fresh decision what follows from it, and return the ledger transaction of an allowed one."""
        if not ruling.fresh:
            return self._transaction(connection, ruling)
        if ruling.decision is not Decision.ALLOWED:
            self._allowance.count_refusal(connection, asker, now_ms=now_ms)
            return None
        self._columns.insert(connection, application.address, application.opening, now_ms=now_ms)
        entry = self._outbox.enqueue(connection, _request(application, ruling, config))
        registrations = tables.registrations
        this = registrations.c.case_number == ruling.case_number
        connection.execute(update(registrations).where(this).values(request_id=entry.request_id))
        return entry

    def _transaction(self, connection: Connection, ruling: Ruling) -> Entry | None:
        registrations = tables.registrations
        this = registrations.c.case_number == ruling.case_number
        request_id = connection.execute(select(registrations.c.request_id).where(this)).scalar_one()
        return None if request_id is None else self._outbox.find(connection, request_id)


def _candidacy(application: Application, asker: Asker) -> Candidacy:
    return Candidacy(
        address=application.address,
        seller=application.seller,
        nonce=application.intent.nonce,
        intent_digest=application.intent.digest,
        generator=application.generator,
        items=application.items,
        root=application.opening.root,
        exact=application.opening.exact,
        sponsor=asker.sponsor,
    )


def _request(application: Application, ruling: Ruling, config: MarketConfig) -> Request:
    return Request.by_intent(
        application.intent,
        attachments={"overlaps": list(ruling.overlaps)},
        transient={"opening": application.opening.to_json()},
        # Members of the private collection, and nobody else: an endorser sees the transient data.
        organisations=(config.platform.msp_id, config.supervisor.msp_id),
    )

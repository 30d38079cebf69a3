"""Take notices in: steps (16), (17) and (20), (21), and the seller's second with a remedy.

The sealed notice and the intent that carries its digest come together; the notice goes on the board and the intent
into the outbox in one database transaction, so that the ledger never names a notice that the board does not have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from countermark.faults import Point, reach
from countermark.platform.board.log import Board
from countermark.platform.contracts.market import load_market
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Entry, IntentKey, Outbox, Request
from countermark.platform.store.quotas import Quota, RateLimitedError
from countermark.platform.store.sql import Connection
from countermark.platform.trades import TradeView, WrongStateError, load_trade
from countermark.platform.views.intents import find_done
from countermark.protocol import intents
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.notices import LONGEST_SKEW_MS, SignedNotice, parse_notice
from countermark.protocol.sealed import EncryptionKey, open_sealed

KIND = "notice"
"""Kind of the sealed message that carries a notice."""

ACTIONS = {"trade.send": "seller", "trade.remedy": "seller", "trade.ack": "buyer"}
"""Whose notice each intent comes with."""

MOST_RECENT, RECENT_MS = 20, 600_000
"""How many notices a party may put on the board for one trade in so many ms: it grows for ever, and one is enough.
Its intent dies in that time, so who never learns what became of one can still send another."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The platform's receipt, and the ledger transaction under way, to be driven by the caller."""

    receipt: str = field(repr=False)
    entry: Entry | None
    """None where another gateway has brought the intent to the ledger before."""


class Notices:
    """Takes notices. May be shared between threads."""

    def __init__(
        self,
        *,
        database: Database,
        board: Board,
        outbox: Outbox,
        keys: Mapping[int, EncryptionKey],
        market: str,
        platform: str,
        clock: Callable[[], int],
        writes: Quota | None = None,
    ) -> None:
        """Create the service; ``platform`` is the address of the platform's account, ``keys`` open sealed notices.

        ``writes`` limits what an account may ask of the ledger, by whatever way.
        """
        self._database = database
        self._board = board
        self._outbox = outbox
        self._keys = keys
        self._market = market
        self._platform = platform
        self._clock = clock
        self._writes = writes

    def submit(self, token: object, message: object) -> Submitted:
        """Take an intent of `ACTIONS` with its sealed notice; again gives the same answer.

        Raises:
            MarketError: a code of `intents.parse` or `intents.check_time`; SEALED_MALFORMED, SEALED_UNDECRYPTABLE,
                UNKNOWN_KEY_VERSION; NOTICE_MALFORMED, BAD_SIGNATURE; UNKNOWN_TRADE, WRONG_ACTOR, WRONG_STATE;
                NOTICE_MISMATCH when notice, intent and trade do not say the same; RATE_LIMITED.
        """
        intent = intents.parse(token, market=self._market)
        if intent.action not in ACTIONS:
            raise MarketError(ErrorCode.WRONG_ACTION, "no notice comes with this action")
        notice = self._open(message)
        check_pair(notice, intent)
        now_ms = self._clock()
        with self._database.begin() as connection:
            fresh = self._outbox.claim(connection, IntentKey.of(intent)) is None
            done = None
            if fresh:
                # The trade first: a block that is applied in between, with this very intent in it, is then seen.
                trade = load_trade(connection, intent.params["trade"])
                done = find_done(connection, intent)
                if done is None:
                    intents.check_time(intent, now_ms, longest_s=load_market(connection).intent_s)
                    if self._writes is not None:
                        self._writes.spend(connection, intent.signer, now_ms=now_ms)
                # What the ledger has taken was in time, and changed the trade's state.
                check_trade(notice, intent, trade, now_ms=done.at_ms if done else now_ms, done=done is not None)
            receipt = self._board.append(connection, notice, received_at_ms=now_ms)
            reach(Point.ENTRY_APPENDED)
            if fresh:
                # Now that the board's lock is ours, so that nobody slips in beside us; a refusal undoes the entry.
                self._check_many(connection, notice, now_ms)
            entry = None if done else self._outbox.enqueue(connection, Request.by_intent(intent))
        return Submitted(receipt, entry)

    def _check_many(self, connection: Connection, notice: SignedNotice, now_ms: int) -> None:
        since_ms = now_ms - RECENT_MS
        if self._board.count(connection, notice.notice.trade, notice.signer, since_ms=since_ms) > MOST_RECENT:
            raise RateLimitedError("notices", MOST_RECENT, window_ms=RECENT_MS, wait_ms=RECENT_MS)

    def _open(self, message: object) -> SignedNotice:
        plaintext = open_sealed(self._keys, message, kind=KIND, market=self._market)
        try:
            token = plaintext.decode("ascii")
        except UnicodeDecodeError:
            raise MarketError(ErrorCode.NOTICE_MALFORMED, "a notice is a compact JWS") from None
        return parse_notice(token, market=self._market, platform=self._platform)


def check_pair(signed: SignedNotice, intent: Intent) -> None:
    """Check that a notice is the one whose digest the intent carries, and says the same.

    Raises:
        MarketError: NOTICE_MISMATCH.
    """
    notice = signed.notice
    if (signed.signer, notice.role, signed.digest) != (
        intent.signer,
        ACTIONS[intent.action],
        intent.params["notice"],
    ):
        raise MarketError(ErrorCode.NOTICE_MISMATCH, "the intent carries another notice")
    if notice.verdict != intent.params.get("verdict"):
        raise MarketError(ErrorCode.NOTICE_MISMATCH, "intent and notice give different verdicts")


def check_trade(signed: SignedNotice, intent: Intent, trade: TradeView, *, now_ms: int, done: bool = False) -> None:
    """Check that a notice and its intent are what the trade waits for, or at ``now_ms`` waited for if it is ``done``.

    Raises:
        MarketError: UNKNOWN_TRADE for a stranger; WRONG_ACTOR for the other party; WRONG_STATE (`WrongStateError`)
            unless the act is possible as of the last block applied; NOTICE_MISMATCH.
    """
    notice = signed.notice
    if trade.role(intent.signer) != ACTIONS[intent.action]:
        raise MarketError(ErrorCode.WRONG_ACTOR, f"{intent.action} is for the {ACTIONS[intent.action]}")
    if not done and intent.action not in trade.next_acts:
        # The ledger decides; but the board keeps for ever what it takes, so it takes nothing that cannot count.
        raise WrongStateError(trade, intent.signer, f"{intent.action} is not possible")
    if not done and intent.action == "trade.remedy" and trade.remedy.root:
        raise WrongStateError(trade, intent.signer, "a second remedy is not possible")
    if (notice.trade, notice.seller, notice.buyer, notice.listing) != (
        trade.id,
        trade.seller,
        trade.buyer,
        trade.listing,
    ):
        raise MarketError(ErrorCode.NOTICE_MISMATCH, "the notice names another trade or other parties")
    if abs(notice.claimed_at_ms - now_ms) > LONGEST_SKEW_MS:
        raise MarketError(ErrorCode.NOTICE_MISMATCH, "the claimed time is far from the time of reception")

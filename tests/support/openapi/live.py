"""A market in use, for requests that nobody thought of: contracts and trades in every state, and money for all."""

import io
import time
from collections import deque
from typing import Any

from countermark.platform.store import tables
from countermark.platform.store.quotas import Quota
from countermark.platform.store.sql import select
from countermark.protocol.packages import PackageHeader, PackageSalts, PackageSummary, seal_package
from countermark.protocol.transitions import ListingState, TradeState
from tests.support.front import MANAGEMENT_FEE, Front
from tests.support.market import PATHS, SUPERVISOR, Actor, actor

POOL = 48
"""How many contracts and how many trades are at hand: the oldest make room, or all would stand in final states."""


class LiveMarket:
    """What is on the market of `front`, and more of it in whatever state is asked for."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.market = front.world.market
        market = self.market
        self.actors: tuple[Actor, ...] = (
            *(market.buyer, market.seller, market.stranger, market.supervisor, market.platform, market.issuer),
            market.arbiter,
            actor("outsider"),  # has no account
        )
        self.listings: deque[str] = deque(maxlen=POOL)
        self.trades: deque[str] = deque(maxlen=POOL)
        self.transactions: deque[str] = deque(maxlen=POOL)
        self.packages: dict[str, tuple[bytes, PackageSummary]] = {}
        """The sealed package of each trade that has one, to be uploaded."""
        self.delivered: deque[str] = deque(maxlen=POOL)
        """Trades whose package is here and on the ledger as sent."""
        self.remedied: deque[str] = deque(maxlen=POOL)
        """Disputes whose seller has sent a remedy, or begun to."""
        self.claims: deque[str] = deque(maxlen=POOL)
        # What the limit does is shown elsewhere; here it would soon be all that is answered.
        front.services.claim_papers._quota = Quota("claim", most=1_000_000, window_ms=3_600_000)
        self._made = 0
        for state in ListingState:
            if state not in (ListingState.RESERVED, ListingState.SOLD, ListingState.VOID, ListingState.PARTITIONED):
                self.listing(state)
        for name in TradeState:
            self.trade(name)
        for answered in (False, True):
            self.claim(answered=answered)
        for who in self.actors[:-1]:
            self.fill_purse(who, 50_000)

    def tick(self) -> None:
        """Let the ledger's clock, which stands still by itself, go as the gateway's does."""
        self.front.channel.now_ms = max(self.front.channel.now_ms, time.time_ns() // 1_000_000)

    @property
    def now_ms(self) -> int:
        return int(self.front.channel.now_ms)

    def number(self) -> int:
        """A number that was not used before."""
        self._made += 1
        return self._made

    def fill_purse(self, who: Actor, amount: int, *, fresh: bool = True) -> None:
        """Give `who` one more coin, for certain before something `fresh`: one in four times is enough otherwise."""
        if fresh or self.number() % 4 == 0:
            self.market.mint(who, amount)

    def listing(self, state: ListingState = ListingState.LISTED) -> str:
        """Return a new contract of the seller in `state`, which no trade has brought about."""
        self.tick()
        market, seller = self.market, self.market.seller
        made = market.list_data(seller, b"photo %d" % self.number())
        address = str(made["id"])
        if state is not ListingState.PENDING_FEE:
            fee = {"listing": address, "amount": str(MANAGEMENT_FEE)}
            market.ask(seller, "listing.charge", fee, market.fund(seller, MANAGEMENT_FEE))
        if state is ListingState.WITHDRAWN:
            market.ask(seller, "listing.withdraw", {"listing": address})
        assert market.listing(address)["state"] == state
        self.listings.append(address)
        self.transactions.append(made.tx_id)
        return address

    def trade(self, state: TradeState) -> str:
        """Return a new trade in `state`, on a contract of its own."""
        market = self.market
        if state is TradeState.REFUNDED:
            trade = market.bring_to("PAID", self.listing())
            market.act("trade.cancel", trade)
        elif state is TradeState.SETTLED:
            trade = market.bring_to("MATCHED", self.listing())
            market.act("trade.confirm", trade)
        else:
            assert state in PATHS, f"tests/support/market.py: PATHS leads to no trade in {state}"
            trade = market.bring_to(state, self.listing())
        self.trades.append(trade)
        return trade

    def claim(self, *, answered: bool = False) -> str:
        """Return a new claim of a contract of its own, open or answered."""
        claim = self.market.claim(self.listing())
        if answered:
            self.market.answer(claim)
        self.claims.append(claim)
        return claim

    def package(self, trade: str) -> tuple[bytes, PackageSummary]:
        """Return the package of `trade`: small, and the same again."""
        if trade not in self.packages:
            record, out = self.market.trade(trade), io.BytesIO()
            header = PackageHeader(trade, record["buyer"], record["seller"], record["listing"])
            salts = PackageSalts(salt_f=bytes(32), salt_exact=bytes(32))
            summary = seal_package(
                io.BytesIO(b"data"), out, header=header, recipient=record["pk_t"], salts=salts, size=4
            )
            self.packages[trade] = out.getvalue(), summary
        return self.packages[trade]

    def entries(self) -> list[tuple[str, str]]:
        """Return number and signer of every entry of the board that is anchored, the newest first."""
        with self.front.services.database.begin() as connection:
            anchored = max(connection.execute(select(tables.anchors.c.size)).scalars(), default=0)
            board = tables.board
            rows = connection.execute(select(board.c.seq, board.c.signer).where(board.c.seq < anchored)).all()
        return [(str(row.seq), row.signer) for row in reversed(rows)]

    def anchored(self) -> list[int]:
        """Return the sizes of the board's trees that are anchored, in order; there is one at least."""
        with self.front.services.database.begin() as connection:
            sizes = sorted(connection.execute(select(tables.anchors.c.size)).scalars())
        return sizes or [1]

    def account(self, address: str) -> dict[str, Any]:
        """Return the ledger's record of an account."""
        record: dict[str, Any] = self.market.backend.evaluate(SUPERVISOR, "audit.account", address)["account"]
        return record

    def by_address(self, address: str) -> Actor:
        """Return who has this address."""
        return next(who for who in self.actors if who.address == address)

"""A trade of `support.platform` on its way through the relay, and what its parties send."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from countermark.platform.board.submission import Notices
from countermark.platform.relay.checking import CheckJob
from countermark.platform.relay.release import PackageRelease
from countermark.platform.relay.transmission import RelayJob
from countermark.platform.relay.upload import PackageUpload
from countermark.platform.trades import Delivery
from countermark.protocol import intents
from countermark.protocol.encoding import digest
from countermark.protocol.notices import Notice, sign_notice
from countermark.protocol.packages import PackageHeader, PackageSalts, PackageSummary, seal_package
from countermark.protocol.transitions import TradeState
from tests.support.platform import MARKET, World, sealed

DATA = os.urandom(300_000)
ROOT = digest(b"the fingerprint of the data")


_SENDING = {Delivery.FIRST: "trade.send", Delivery.REMEDY: "trade.remedy"}


@dataclass
class Relay:
    """A trade that waits for its seller's package, the package, and the platform's parts that carry it.

    It waits in FUNDED for the first, and for its remedy in EVIDENCED.
    """

    world: World
    trade: str
    package: bytes
    summary: PackageSummary
    delivery: Delivery = Delivery.FIRST

    def __post_init__(self) -> None:
        world = self.world
        self.upload = PackageUpload(database=world.database, objects=world.objects, clock=world.clock)
        self.release = PackageRelease(database=world.database, objects=world.objects, clock=world.clock)
        self.notices = Notices(
            database=world.database,
            board=world.board,
            outbox=world.outbox,
            keys=world.keys,
            market=MARKET,
            platform=world.platform.address,
            clock=world.clock,
        )
        self.job = RelayJob(world.acting, world.board, self.upload)
        self.check = CheckJob(world.acting, world.board)

    @property
    def seller(self) -> str:
        return self.world.market.seller.address

    @property
    def buyer(self) -> str:
        return self.world.market.buyer.address

    @property
    def state(self) -> str:
        return str(self.world.market.trade(self.trade)["state"])

    @property
    def relayed(self) -> bool:
        record = self.world.market.trade(self.trade)
        return bool((record["remedy"] if self.delivery is Delivery.REMEDY else record)["relayed_at"])

    def put(self, package: bytes | None = None, *, start: int = 0, stop: int | None = None, **changes: Any) -> Any:
        package = self.package if package is None else package
        body: Sequence[bytes] = [package[start:stop]]
        arguments = {"account": self.seller, "start": start, "total": len(package), "data": body, **changes}
        return self.upload.receive(self.trade, delivery=self.delivery, **arguments)

    def notice(self, role: str, **changes: Any) -> Notice:
        record = self.world.market.trade(self.trade)
        values = {
            "role": role,
            "trade": self.trade,
            "seller": record["seller"],
            "buyer": record["buyer"],
            "listing": record["listing"],
            "platform": self.world.platform.address,
            "fingerprint_root": ROOT,
            "claimed_at_ms": self.world.clock(),
            "verdict": None if role == "seller" else "match",
            **changes,
        }
        return Notice(**values)

    def submit(self, role: str, *, params: dict[str, Any] | None = None, **changes: Any) -> Any:
        """Send a party's notice with its intent; `changes` are of the notice, `params` of the intent."""
        who = self.world.market.seller if role == "seller" else self.world.market.buyer
        token, notice_digest = sign_notice(who.key, self.notice(role, **changes), market=MARKET)
        own = (
            {"package_root": self.summary.root, "package_size": self.summary.size}
            if role == "seller"
            else {"verdict": "match"}
        )
        intent = intents.sign(
            who.key,
            market=MARKET,
            action=_SENDING[self.delivery] if role == "seller" else "trade.ack",
            params={"trade": self.trade, "notice": notice_digest, **own, **(params or {})},
            issued_at_ms=self.world.clock(),
        )
        submitted = self.notices.submit(intent, sealed(token, "notice"))
        self.world.drive(submitted.entry)
        return submitted

    def bring_to_sent(self) -> None:
        self.put()
        self.submit("seller")
        assert self.job.run_once() == 1
        assert self.state == TradeState.SENT

    def fetch(self, start: int = 0, stop: int | None = None, account: str | None = None) -> bytes:
        package = self.release.find(self.trade, account=account or self.buyer, delivery=self.delivery)
        return b"".join(self.release.read(package, start, stop))


def seal_for(world: World, trade: str, data: bytes = DATA) -> tuple[bytes, PackageSummary]:
    """Encrypt `data` to the one-time key of `trade`."""
    record = world.market.trade(trade)
    out = io.BytesIO()
    summary = seal_package(
        io.BytesIO(data),
        out,
        header=PackageHeader(trade, record["buyer"], record["seller"], record["listing"]),
        recipient=record["pk_t"],
        salts=PackageSalts(bytes(32), bytes(32)),
        size=len(data),
    )
    return out.getvalue(), summary

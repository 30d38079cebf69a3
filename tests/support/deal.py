"""A sale of a real picture on the ledger in memory: true commitments, packages and judgements, and no gateway."""

import hashlib
import io
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from countermark.client.data import Data, only
from countermark.client.disputes.examination import Question, answer
from countermark.client.examining import examine
from countermark.client.promises import Promise
from countermark.client.receiving import judge
from countermark.protocol import times
from countermark.protocol.commitments import Opening
from countermark.protocol.decisions import Finding
from countermark.protocol.description import Description
from countermark.protocol.encoding import as_digest
from countermark.protocol.notices import Notice, Verdict, sign_notice
from countermark.protocol.packages import PackageHeader, PackageSalts, measure, open_package, seal_package
from countermark.protocol.sealed import EncryptionKey
from tests.support.market import BOND, PLATFORM, PRICE, Actor, Market, offer
from tests.support.pictures import jpeg, photo

GENERATORS = ("image/v1",)
_SIDE = 256


def picture(name: str, side: int = _SIDE) -> bytes:
    """A photograph as a JPEG file of `side` pixels a side."""
    return jpeg(photo(name).resize((side, side)))


def application(opening: Opening, offered: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a seller signs to have the contract of an opening made."""
    committed = opening.commitments()
    return {
        **{name: getattr(committed, name) for name in ("c_f", "c_d", "c_exact")},
        "items": opening.items,
        "generator": GENERATORS[0],
        "offer": offered or offer(),
    }


@dataclass
class Deal:
    """A contract on `registered`, paid for by its buyer and accepted by its seller.

    `fingerprinted` are the data whose fingerprint is registered, `registered` themselves unless given.
    """

    market: Market
    folder: Path
    registered: bytes = field(default_factory=lambda: picture("astronaut"))
    fingerprinted: bytes | None = None
    key: EncryptionKey = field(default_factory=EncryptionKey.generate)
    """The buyer's one-time key."""

    def __post_init__(self) -> None:
        shown = self.registered if self.fingerprinted is None else self.fingerprinted
        self.salts = PackageSalts(salt_f=secrets.token_bytes(32), salt_exact=secrets.token_bytes(32))
        self.opening = Opening(
            root=self._examined(shown).root,
            exact=hashlib.sha256(self.registered).digest(),
            description=Description("image/jpeg", 1, len(self.registered)),
            salt_f=self.salts.salt_f,
            salt_d=secrets.token_bytes(32),
            salt_exact=self.salts.salt_exact,
            items=1,
        )
        applied = self.market.ask(
            *(self.market.seller, "listing.create", application(self.opening)),
            msp=PLATFORM,
            transient={"opening": self.opening.to_json()},
        )
        self.listing: str = applied["id"]
        payment = self.market.pay_params(self.listing, pk_t=self.key.public)
        coins = self.market.fund(self.market.buyer, PRICE + BOND)
        self.trade: str = self.market.ask(self.market.buyer, "trade.pay", payment, coins)["id"]
        self.act("trade.charge")

    @property
    def record(self) -> dict[str, Any]:
        """The trade as the ledger has it."""
        return self.market.trade(self.trade)

    @property
    def ended(self) -> tuple[str, str]:
        """State and outcome."""
        return self.record["state"], self.record["outcome"]

    @cached_property
    def header(self) -> PackageHeader:
        record = self.record
        return PackageHeader(self.trade, record["buyer"], record["seller"], record["listing"])

    @property
    def held(self) -> dict[str, int]:
        """What the parties have, in minor units."""
        market = self.market
        return {who.name: market.balance(who) for who in (market.buyer, market.seller, market.arbiter)}

    def act(self, function: str, who: Actor | None = None, **changes: Any) -> None:
        self.market.act(function, self.trade, who, **changes)

    def sealed(self, data: bytes, recipient: str = "") -> bytes:
        """The package of `data`, for the buyer's one-time key unless it is for another `recipient`."""
        out = io.BytesIO()
        seal_package(
            io.BytesIO(data),
            out,
            header=self.header,
            recipient=recipient or self.record["pk_t"],
            salts=self.salts,
            size=len(data),
        )
        return out.getvalue()

    def send(self, package: bytes, function: str = "trade.send") -> None:
        """Commit to a package, by `trade.remedy` to a second one, and have the platform relay it."""
        root = measure(io.BytesIO(package), header=self.header).root
        self.act(function, package_root=root, package_size=len(package))
        self.act("trade.relay", package_root=root, completed_at=times.to_text(self.market.backend.now_ms))

    def receive(self, package: bytes) -> tuple[Verdict, bytes]:
        """What the buyer finds in a package: verdict and fingerprint root.

        Raises:
            MarketError: it does not open.
        """
        path, record = self.folder / "received.jpg", self.record
        with path.open("wb") as out:
            salts = open_package(
                io.BytesIO(package), out, header=self.header, root=record["package"]["root"], key=self.key
            )
        promise = Promise(
            key=self.key,
            listing=self.listing,
            generators=GENERATORS,
            seller=record["seller"],
            c_f=record["c_f"],
            c_exact=record["c_exact"],
            arbiters={},
        )
        return judge(promise, path, salts)

    def notice(self, who: Actor, root: bytes, verdict: Verdict | None = None) -> tuple[Notice, str]:
        """A party's notice on the fingerprint `root` and the digest that goes with it on the ledger."""
        record, market = self.record, self.market
        notice = Notice(
            role="seller" if who is market.seller else "buyer",
            trade=self.trade,
            seller=record["seller"],
            buyer=record["buyer"],
            listing=record["listing"],
            platform=market.platform.address,
            fingerprint_root=as_digest(root),
            claimed_at_ms=market.backend.now_ms,
            verdict=verdict,
        )
        return notice, sign_notice(who.key, notice, market=market.backend.market)[1]

    def dispute(self, reason: str) -> None:
        """Have the buyer ask for a decision and open his key."""
        self.act("trade.dispute", reason=reason)
        self.act("trade.open")

    def examine(self, package: bytes) -> Finding:
        """What the arbiter finds in `package`, with the key that the buyer has opened."""
        path, record = self.folder / "evidence", self.record
        path.write_bytes(package)
        return answer(
            Question(
                package=path,
                header=self.header,
                root=record["package"]["root"],
                c_f=record["c_f"],
                c_exact=record["c_exact"],
                generators=GENERATORS,
                key=self.key,
            )
        )

    def decide(self, package: bytes) -> Finding:
        """Have the arbiter decide by what he finds."""
        found = self.examine(package)
        self.act("trade.decide", decision=found.decision)
        return found

    def _examined(self, data: bytes) -> Data:
        path = self.folder / "examined.jpg"
        path.write_bytes(data)
        return examine(path, only(GENERATORS))

"""Scenario of its own: parties cheat in every way of IV.A, and the money goes to whom it belongs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from countermark.cli.demo import finale
from countermark.cli.demo.cast import Actor, Stage
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.official import Official
from countermark.cli.demo.pictures import Pictures
from countermark.cli.demo.refusals import SHORT_S
from countermark.cli.demo.sale import Sale

PARTIES = (
    *("honest seller", "second seller", "forger", "swindler", "idle seller"),
    *("buyer", "lying buyer", "waiting buyer", "silent buyer", "photographer"),
)

_PRICE = 150_00


@dataclass(frozen=True)
class Desk:
    """What every chapter needs."""

    tell: Narrator
    actors: Mapping[str, Actor]
    arbiter: Official
    supervisor: Official
    folder: Path

    def money(self, *names: str) -> dict[str, int]:
        """Return the money of parties, those who decide among them if they are named, in minor units."""
        officials = {"arbiter": self.arbiter, "supervisor": self.supervisor}
        return {
            name: officials[name].balance() if name in officials else int(self.actors[name].do("balance")["balance"])
            for name in names
        }

    def tell_money(self, before: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """Print what the parties had ``before``, and what they have now."""
        after = self.money(*before)
        for name, had in before.items():
            self.tell.say(f"    {name:<14} had {had / 100:>9.2f}, has {after[name] / 100:>9.2f}")
        return {"before": dict(before), "after": after}


def play(tell: Narrator, stage: Stage, actors: dict[str, Actor], pictures: Pictures) -> dict[str, Any]:
    """Tell the story, and return the supervisor's account of it."""
    folder = stage.folder / "purchases"
    folder.mkdir()
    where = (stage.folder / "platform", stage.gateway, stage.ca_file)
    desk = Desk(tell, actors, Official(*where, "arbiter"), Official(*where, "supervisor"), folder)
    tell.say(f"the arbiter's account: {desk.arbiter.open()}")
    tell.say(f"the supervisor's account: {desk.supervisor.open()}")
    tell.title("Two trades begin in which somebody will fall silent")
    photos = [pictures.traded, *pictures.others]
    idle = _no_show(desk, photos[3])
    silent = _silence(desk, photos[2])
    money = {
        "false fingerprint": _false_fingerprint(desk, photos[0], photos[1]),
        "other data": _other_data(desk, photos[0], photos[1]),
        "denied receipt": (denied := _denial(desk, photos[1]))[1],
        "no-show": _ended(desk, *idle, outcome="no_show", says="the seller never sent: refunded, with his bond"),
        "ownership claim": _claim(desk, photos[3]),
        "silent buyer": _ended(
            desk, *silent, outcome="buyer_silent", says="the buyer never opened: the seller is paid"
        ),
    }
    told = finale.audit(tell, stage.folder / "platform", (denied[0],), photos[1].read_bytes())
    return {**told, "money": money}


Begun = tuple[str, dict[str, int]]
"""A trade, and the money of those in it before."""


def _sold(desk: Desk, seller: str, buyer: str, listing: str) -> str:
    """Let ``buyer`` pay for ``listing`` and the seller accept, and return the trade."""
    desk.actors[seller].do("charge_listing", listing)
    trade = str(desk.actors[buyer].do("buy", listing)["id"])
    desk.actors[seller].do("charge", trade)
    return trade


def _no_show(desk: Desk, photo: Path) -> Begun:
    before = desk.money("idle seller", "waiting buyer")
    listing = desk.actors["idle seller"].do("create", str(photo), _PRICE, "Never sent", {"send": SHORT_S})["id"]
    trade = _sold(desk, "idle seller", "waiting buyer", listing)
    desk.tell.say(f"a seller accepts trade {trade[:14]}… and never sends; deadline {SHORT_S} s")
    return trade, before


def _silence(desk: Desk, photo: Path) -> Begun:
    before = desk.money("second seller", "silent buyer")
    deadlines = {"evidence": SHORT_S}
    listing = desk.actors["second seller"].do("create", str(photo), _PRICE, "A photograph", deadlines)["id"]
    trade = _sold(desk, "second seller", "silent buyer", listing)
    desk.actors["second seller"].do("send", trade)
    buyer = desk.actors["silent buyer"]
    buyer.do("await_state", trade, "SENT")
    buyer.do("dispute", trade, "undecryptable")
    desk.tell.say(f"a buyer disputes trade {trade[:14]}… and never opens his key; deadline {SHORT_S} s")
    return trade, before


def _decided(desk: Desk, trade: str, buyer: str, expected: str) -> None:
    """Have the buyer open, and the arbiter decide; the trade must end with the outcome ``expected``."""
    tell, who = desk.tell, desk.actors[buyer]
    opened = who.do("open_key", trade)
    tell.say(f"the {buyer} opens the one-time key, sealed to the arbiter: transaction {opened['txid'][:16]}…")
    decided = desk.arbiter.decide(trade)
    tell.say(f"the arbiter decrypts what was relayed, finds {decided['finding']}, decides {decided['decision']}")
    outcome = who.do("await_state", trade, decided["state"])["outcome"]
    if outcome != expected:
        raise click.ClickException(f"the trade ended {outcome}, not {expected}")
    tell.say(f"the {buyer} reads the reasons: {who.do('reasons', trade)['finding']}; the trade is {outcome}")


def _false_fingerprint(desk: Desk, photo: Path, other: Path) -> dict[str, Any]:
    desk.tell.title("Case 1: a seller lists his data under the fingerprint of others (R68)")
    before = desk.money("forger", "buyer", "arbiter")
    forger, buyer = desk.actors["forger"], desk.actors["buyer"]
    listing = forger.do("list_under_false_fingerprint", str(photo), str(other), _PRICE, {})["id"]
    trade = _sold(desk, "forger", "buyer", listing)
    forger.do("send", trade)
    buyer.do("await_state", trade, "SENT")
    received = buyer.do("receive", trade, str(desk.folder / "case-1"))
    desk.tell.say(f"the buyer's client fingerprints what came: {received['verdict']}")
    buyer.do("dispute", trade, "mismatch")
    _decided(desk, trade, "buyer", "fault")
    state = buyer.do("show", listing)["state"]
    desk.tell.say(f"the contract is {state}: its registration was false")
    return desk.tell_money(before)


def _other_data(desk: Desk, photo: Path, instead: Path) -> dict[str, Any]:
    desk.tell.title("Case 2: a seller sends other data than he has listed (R69)")
    before = desk.money("swindler", "buyer", "arbiter")
    swindler, buyer = desk.actors["swindler"], desk.actors["buyer"]
    listing = swindler.do("create", str(photo), _PRICE, "A photograph", {})["id"]
    trade = _sold(desk, "swindler", "buyer", listing)
    swindler.do("send_instead", trade, str(instead))
    buyer.do("await_state", trade, "SENT")
    received = buyer.do("receive", trade, str(desk.folder / "case-2"))
    desk.tell.say(f"the buyer's client fingerprints what came: {received['verdict']}")
    buyer.do("dispute", trade, "mismatch")
    _decided(desk, trade, "buyer", "fault")
    return desk.tell_money(before)


def _denial(desk: Desk, photo: Path) -> tuple[Sale, dict[str, Any]]:
    desk.tell.title("Case 3: a buyer has good data, and says that they are bad (R70)")
    before = desk.money("honest seller", "lying buyer", "arbiter")
    seller, liar = desk.actors["honest seller"], desk.actors["lying buyer"]
    listing = seller.do("create", str(photo), _PRICE, "A photograph", {})["id"]
    trade = _sold(desk, "honest seller", "lying buyer", listing)
    seller.do("send", trade)
    liar.do("await_state", trade, "SENT")
    out = desk.folder / "case-3"
    liar.do("deny", trade, str(out))
    desk.tell.say("his notice names another fingerprint than the seller's; the platform pays nobody")
    liar.do("dispute", trade, "mismatch")
    _decided(desk, trade, "lying buyer", "decided")
    return Sale(listing, trade, out), desk.tell_money(before)


def _claim(desk: Desk, photo: Path) -> dict[str, Any]:
    """The photograph that was never sent was not the seller's: he had registered it before its owner did."""
    desk.tell.title("An ownership claim: the first who registered was a thief (A-08)")
    tell, owner, thief = desk.tell, desk.actors["photographer"], desk.actors["idle seller"]
    before = desk.money("photographer", "idle seller", "waiting buyer", "supervisor")
    what = "offers his own photograph"
    tell.refused(owner, what, "create", str(photo), _PRICE, "A photograph", {}, code="similar_registered")
    (contract,) = owner.do("trace", str(photo))["contracts"]
    listing = contract["listing"]
    tell.say(f"a copy of it stands under {listing[:14]}…")
    trade = str(desk.actors["waiting buyer"].do("buy", listing)["id"])
    claim = owner.do("claim", listing, "I took it; the original is larger", str(photo))["id"]
    tell.say(f"he claims it with a deposit and evidence that the supervisor alone can read: claim {claim[:14]}…")
    refunded = desk.actors["waiting buyer"].do("await_state", trade, "REFUNDED")
    tell.say(f"a trade of it that had begun ends, everything goes back: {refunded['outcome']}")
    thief.do("answer_claim", claim, "No, I did")
    shown = desk.supervisor.evidence(claim)
    tell.say(f"the supervisor reads both sides: {shown['claimant']['statement']!r}, {shown['owner']['statement']!r}")
    decided = desk.supervisor.find_for("claimant", claim, "he has the original")
    tell.say(f"he finds for the claimant: transaction {decided['txid'][:16]}…, {decided['state']}")
    own = owner.do("create", str(photo), _PRICE, "A photograph", {})["id"]
    owner.do("charge_listing", own)
    tell.say(f"the photographer offers his own photograph, in place of the thief's: {own[:14]}…")
    return desk.tell_money(before)


def _ended(desk: Desk, trade: str, before: dict[str, int], *, outcome: str, says: str) -> dict[str, Any]:
    desk.tell.title(f"What a deadline has brought in trade {trade[:14]}…")
    _, buyer = before
    ended = desk.actors[buyer].do("await_state", trade, "SETTLED", "REFUNDED")
    if ended["outcome"] != outcome:
        raise click.ClickException(f"the trade ended {ended['outcome']}, not {outcome}")
    desk.tell.say(says)
    return desk.tell_money(before)

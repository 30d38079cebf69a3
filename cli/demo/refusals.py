"""What the market refuses or mends: a thief, an empty purse, a seller who never sends, a buyer who never confirms."""

from dataclasses import dataclass
from pathlib import Path

import click

from countermark.cli.demo.cast import Actor
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.pictures import Pictures, disguise

SHORT_S = 6
"""The deadlines that are to be missed, in seconds: the least that the market allows. The guard comes on top."""


@dataclass(frozen=True)
class Missed:
    """Two trades in which somebody has stopped acting, begun early so that their deadlines pass meanwhile."""

    never_sent: str
    never_confirmed: str


def begin_missed_deadlines(tell: Narrator, actors: dict[str, Actor], pictures: Pictures, folder: Path) -> Missed:
    """Start a trade whose seller will not send, and one whose buyer will not confirm."""
    tell.title("Two more trades begin, in which somebody will fall silent")
    idle, silent = actors["idle seller"], actors["silent buyer"]
    first = _listed(idle, pictures.others[0], {"send": SHORT_S})
    second = _listed(actors["honest seller"], pictures.others[1], {"receive": 3600, "confirm": SHORT_S})
    never_sent = str(silent.do("buy", first)["id"])
    idle.do("charge", never_sent)
    tell.say(f"a seller accepts trade {never_sent[:14]}… and never sends; deadline {SHORT_S} s")
    never_confirmed = str(silent.do("buy", second)["id"])
    honest = actors["honest seller"]
    honest.do("charge", never_confirmed)
    honest.do("send", never_confirmed)
    silent.do("await_state", never_confirmed, "SENT")
    silent.do("receive", never_confirmed, str(folder / "silent-buyer-photo"))
    tell.say(f"a buyer receives in trade {never_confirmed[:14]}… and never confirms; deadline {SHORT_S} s")
    return Missed(never_sent, never_confirmed)


def _listed(seller: Actor, photo: Path, deadlines: dict[str, int]) -> str:
    listing = str(seller.do("create", str(photo), 80_00, "Another photograph", deadlines)["id"])
    seller.do("charge_listing", listing)
    return listing


def show_refusals(tell: Narrator, actors: dict[str, Actor], pictures: Pictures, folder: Path) -> None:
    """Let a thief offer a disguised copy, and a poor buyer buy."""
    tell.title("What the market refuses")
    copy = disguise(pictures.traded, folder)
    tell.refused(
        actors["thief"],
        "offers a cropped, brighter copy of the photograph as his own",
        *("create", str(copy), 50_00, "My photograph", {}),
        code="similar_registered",
    )
    expensive = _listed(actors["honest seller"], pictures.others[2], {})
    tell.refused(actors["poor buyer"], "buys without the money", "buy", expensive, code="insufficient_funds")


def show_missed_deadlines(tell: Narrator, actors: dict[str, Actor], missed: Missed) -> None:
    """Wait for the deadlines' consequences, which the platform's watchdog calls for and the contract computes."""
    tell.title("What the deadlines bring")
    silent = actors["silent buyer"]
    refunded = silent.do("await_state", missed.never_sent, "REFUNDED")
    _expect(refunded["outcome"], "no_show")
    tell.say("the seller never sent: the buyer has his money back, and the seller's bond")
    settled = silent.do("await_state", missed.never_confirmed, "SETTLED")
    _expect(settled["outcome"], "auto_released")
    tell.say("the buyer never confirmed: the seller was paid, and the buyer owns what he received")


def _expect(outcome: object, expected: str) -> None:
    if outcome != expected:
        raise click.ClickException(f"the trade ended {outcome}, not {expected}")

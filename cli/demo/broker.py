"""Scenario 1 of the paper: a photograph is sold and sold again, with what is refused and what deadlines bring."""

from typing import Any

import click

from countermark.cli.demo import finale, refusals, sale
from countermark.cli.demo.cast import Actor, Stage
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.pictures import Pictures

PARTIES = ("seller", "buyer", "second buyer", "honest seller", "idle seller", "silent buyer", "poor buyer", "thief")


def play(tell: Narrator, stage: Stage, actors: dict[str, Actor], pictures: Pictures) -> dict[str, Any]:
    """Tell the story, and return the supervisor's account of it."""
    desk = stage.folder / "purchases"
    desk.mkdir()
    listing = sale.list_for_sale(tell, actors["seller"], pictures)
    missed = refusals.begin_missed_deadlines(tell, actors, pictures, desk)
    sale.find_by_sample(tell, actors["buyer"], listing, pictures.traded)
    first = sale.trade_once(tell, actors["seller"], actors["buyer"], listing, desk / "first")
    plaintext = pictures.traded.read_bytes()
    if first.data.read_bytes() != plaintext:
        raise click.ClickException("the buyer did not get the seller's bytes")
    tell.title("The new owner sells in turn: steps (9) to (24) only, on the same contract")
    actors["buyer"].do("relist", listing, 300_00)
    resale = sale.trade_once(tell, actors["buyer"], actors["second buyer"], listing, desk / "second")
    refusals.show_refusals(tell, actors, pictures, desk)
    refusals.show_missed_deadlines(tell, actors, missed)
    told = finale.audit(tell, stage.folder / "platform", (first, resale), plaintext)
    missing = set(range(1, 25)) - tell.steps
    if missing:
        raise click.ClickException(f"steps {sorted(missing)} were not shown")
    return told

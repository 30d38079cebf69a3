"""Scenario of its own: a collection and a table are listed, searched, sold and traced, and thieves mix theirs in."""

import zipfile
from pathlib import Path
from typing import Any

import click

from countermark.cli.demo import finale
from countermark.cli.demo.cast import Actor, Stage
from countermark.cli.demo.data_sets import DataSets, make_data_sets
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.pictures import Pictures
from countermark.cli.demo.sale import Sale, find_by_sample, trade_once

PARTIES = ("seller", "buyer", "table seller", "honest seller", "thief")


def play(tell: Narrator, stage: Stage, actors: dict[str, Actor], pictures: Pictures) -> dict[str, Any]:
    """Tell the story, and return the supervisor's account of it."""
    sets = make_data_sets(pictures, stage.folder / "data-sets")
    desk = stage.folder / "purchases"
    desk.mkdir()
    sale = _sell_collection(tell, actors, sets, desk)
    _split(tell, actors["buyer"], sale, sets, stage.folder / "part")
    _mix(tell, actors, sets)
    table = _sell_table(tell, actors, sets, desk)
    plaintext = next(sets.collection.glob("report-*.txt")).read_bytes()
    return finale.audit(tell, stage.folder / "platform", (sale, table), plaintext)


def _sell_collection(tell: Narrator, actors: dict[str, Actor], sets: DataSets, desk: Path) -> Sale:
    seller, buyer = actors["seller"], actors["buyer"]
    files = sorted(sets.collection.iterdir())
    tell.title("A collection: reports and photographs in one folder")
    created = seller.do("create", str(sets.collection), 900_00, "Reports and photographs", {})
    listing = str(created["id"])
    tell.step(4, seller.name, f"sends the fingerprints of {len(files)} files and a summary, sealed")
    tell.step(6, "platform", f"makes one contract for all of it: {listing}", tx=created["txid"])
    seller.do("charge_listing", listing)
    sample = next(path for path in files if path.suffix != ".txt")
    find_by_sample(tell, buyer, listing, sample)
    sale = trade_once(tell, seller, buyer, listing, desk / "collection.zip")
    with zipfile.ZipFile(sale.data) as archive:
        if {name: archive.read(name) for name in archive.namelist()} != {
            path.name: path.read_bytes() for path in files
        }:
            raise click.ClickException("the buyer did not get the seller's files")
    _trace(tell, buyer, sale.data, listing, sales=1)
    return sale


def _split(tell: Narrator, buyer: Actor, sale: Sale, sets: DataSets, part: Path) -> None:
    """Sell a part of what was bought: the whole is never sold again."""
    tell.title("The buyer sells a part of what he bought")
    part.mkdir()
    for path in sorted(sets.collection.glob("report-*.txt"))[:10]:
        (part / path.name).write_bytes(path.read_bytes())
    created = buyer.do("create", str(part), 300_00, "Ten of the reports", {})
    buyer.do("charge_listing", created["id"])
    tell.say(f"ten reports get a contract of their own: {created['id']}")
    tell.refused(buyer, "offers the whole again", "relist", sale.listing, 900_00, code="wrong_state")


def _mix(tell: Narrator, actors: dict[str, Actor], sets: DataSets) -> None:
    thief, honest = actors["thief"], actors["honest seller"]
    tell.title("Sets that hold what is somebody else's")
    what = "offers a set of which two fifths are edited copies"
    tell.refused(thief, what, "create", str(sets.stolen), 500_00, "My set", {}, code="similar_registered")
    what = "offers a set of which a seventh are edited copies"
    tell.refused(thief, what, "create", str(sets.borrowed), 500_00, "My set", {}, code="under_review")
    created = honest.do("create", str(sets.honest), 500_00, "My own notes", {})
    tell.say(f"an honest set that holds the same licence text is registered: {created['id']}")


def _sell_table(tell: Narrator, actors: dict[str, Actor], sets: DataSets, desk: Path) -> Sale:
    seller, buyer, thief = actors["table seller"], actors["buyer"], actors["thief"]
    tell.title("A table")
    created = seller.do("create", str(sets.table), 400_00, "A table of people", {})
    listing = str(created["id"])
    tell.step(6, "platform", f"makes the contract {listing}", tx=created["txid"])
    seller.do("charge_listing", listing)
    tell.say("the buyer's sample has a third of the rows, half of the columns, other names, and is JSON lines")
    find_by_sample(tell, buyer, listing, sets.sample)
    what = "offers two thirds of the rows, shuffled, rounded, renamed"
    tell.refused(thief, what, "create", str(sets.copy), 100_00, "My table", {}, code="similar_registered")
    sale = trade_once(tell, seller, buyer, listing, desk / "table.csv")
    _trace(tell, buyer, sets.sample, listing, sales=1)
    return sale


def _trace(tell: Narrator, who: Actor, path: Path, listing: str, *, sales: int) -> None:
    """Trace ``path``, which must lead to ``listing`` first and to so many ``sales`` of it."""
    found = who.do("trace", str(path))["contracts"]
    if not found or found[0]["listing"] != listing or len(found[0]["sales"]) != sales:
        raise click.ClickException(f"{path.name} does not lead to its contract")
    first = found[0]
    tell.say(
        f"traced {path.name}: {first['match']} of what {listing[:16]}… is bound to, registered {first['since']}, "
        f"sold {len(first['sales'])} time, last {first['sales'][-1]['at']}"
    )

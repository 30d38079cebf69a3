"""Scenario 1 of the paper: the platform as a broker, steps (1) to (24), then (9) to (24) again by the new owner."""

from dataclasses import dataclass
from pathlib import Path

import click

from countermark.cli.demo.cast import Actor
from countermark.cli.demo.narrator import Narrator
from countermark.cli.demo.pictures import Pictures


@dataclass(frozen=True)
class Sale:
    """A settled sale: the contract, the trade, and where its buyer keeps the data."""

    listing: str
    trade: str
    data: Path


def list_for_sale(tell: Narrator, seller: Actor, pictures: Pictures) -> str:
    """Steps (1) to (8); return the contract's address."""
    tell.title("Data preparation and listing")
    size = pictures.traded.stat().st_size
    tell.step(1, "seller", f"keeps {pictures.traded.name}, {size} bytes, on his own machine")
    created = seller.do("create", str(pictures.traded), 250_00, "A photograph", {})
    listing = str(created["id"])
    tell.step(2, "seller", "computes its fingerprint", last=3, seen="nothing; it is sealed to his key on the spot")
    tell.step(
        4, "seller", "sends fingerprint and description, sealed", seen="fingerprint and description, not the data"
    )
    tell.step(5, "platform", "compares it with every fingerprint in the data-contract table: nothing similar")
    tell.step(6, "platform", f"makes the contract {listing}", tx=created["txid"], seen="three salted commitments")
    tell.step(7, "seller", "has set the price in his signed offer: 250.00", seen="the price")
    charged = seller.do("charge_listing", listing)
    tell.step(8, "seller", f"pays the management fee; the listing is {charged['state']}", tx=charged["txid"])
    return listing


def find_by_sample(tell: Narrator, buyer: Actor, listing: str, sample: Path) -> None:
    """Steps (9) and (10) in both ways, which must find ``listing``."""
    tell.title("Data purchase")
    browsed = buyer.do("browse")["listings"]
    tell.step(
        9, "buyer", f"browses the descriptions of {len(browsed)} listings", branch="-1", seen="a public request"
    )
    found = buyer.do("search", str(sample))["listings"]
    if listing not in found or listing not in browsed:
        raise click.ClickException("the listing was not found")
    tell.step(
        9, "buyer", "searches by a sample of his own", branch="-2", seen="the sample's fingerprint, not the sample"
    )
    resource = buyer.do("show", listing)
    tell.step(
        10,
        "buyer",
        f"opens the sealed answer, {len(found)} contract(s), and reads description and price "
        f"{resource['offer']['price']}; the description is the committed one",
    )


def trade_once(tell: Narrator, seller: Actor, buyer: Actor, listing: str, out: Path) -> Sale:
    """Steps (11) to (24) on ``listing``, whose data end up as ``out``."""
    paid = buyer.do("buy", listing)
    trade = str(paid["id"])
    tell.step(11, buyer.name, f"pays into the contract: trade {trade}", tx=paid["txid"], seen="parties and price")
    charged = seller.do("charge", trade)
    tell.step(12, seller.name, "is told, and pays the transaction fee into the contract", tx=charged["txid"])
    tell.title("Data transmission")
    sent = seller.do("send", trade)
    tell.step(13, seller.name, "encrypts the data to the buyer's one-time key", seen="nothing")
    tell.step(
        14, seller.name, f"transmits {sent['size']} bytes of ciphertext", tx=sent["txid"], seen="ciphertext, its size"
    )
    buyer.do("await_state", trade, "SENT")
    tell.step(15, "platform", "has relayed the package, whose root is the one on the ledger")
    tell.step(
        16, seller.name, "has sent his sealed notice with the fingerprint", last=17, seen="the notice, for its board"
    )
    received = buyer.do("receive", trade, str(out))
    tell.step(18, buyer.name, "fetches and decrypts with his own key", seen="that he fetched it")
    tell.step(19, buyer.name, f"computes the fingerprint of what he received: {received['verdict']}")
    tell.step(
        20, buyer.name, "sends his sealed notice", last=21, tx=received["txid"], seen="the notice, for its board"
    )
    tell.title("Transaction confirmation")
    buyer.do("await_state", trade, "MATCHED")
    tell.step(22, "platform", "finds the two fingerprints the same")
    confirmed = buyer.do("confirm", trade)
    tell.step(23, buyer.name, "is told, and confirms", tx=confirmed["txid"])
    tell.step(
        24, "contract", f"pays seller and platform and passes ownership in that one transaction: {confirmed['state']}"
    )
    return Sale(listing, trade, out)

"""The seller before a sale: steps (1) to (8) of the paper, and everything that he does with a listing later."""

import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from countermark.client import parts
from countermark.client.data import Data
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.examining import examine
from countermark.client.market import Done, Market
from countermark.client.transfers import Progress, no_progress
from countermark.client.unanswered import Posting
from countermark.client.vault import Vault
from countermark.protocol import canonical, ids
from countermark.protocol.commitments import Opening, new_salt
from countermark.protocol.description import Description
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode
from countermark.protocol.intents import new_nonce

COMPARISON_S = 0.2
"""How long the platform may compare each fingerprint with all that is registered."""


@dataclass(frozen=True)
class Terms:
    """What a seller asks: minor units, and deadlines in seconds that differ from the market's defaults."""

    price: int
    deadlines: dict[str, int]

    def offer(self, market: Market) -> dict[str, Any]:
        """Return the offer as an intent carries it."""
        deadlines = {**market.config.default_deadlines, **self.deadlines}
        market.config.check_deadlines(deadlines)
        return {"right": "ownership", "price": str(self.price), "deadlines": deadlines}


@dataclass(frozen=True)
class Words:
    """What a seller says of his data; all of it optional (step 4)."""

    title: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()


def create(
    market: Market,
    vault: Vault,
    path: Path,
    terms: Terms,
    words: Words,
    progress: Progress = no_progress,
    uploading: Progress = no_progress,
) -> Done:
    """Offer the file or collection ``path`` for sale and return the transaction that made its contract.

    It stays where it is (step 1); its fingerprints are computed (2), sealed to the platform (3) and sent (4).
    ``progress`` is told how many files of a collection were examined; what was found of them is kept. More
    fingerprints than one message holds go before it in parts; ``uploading`` is told how many are there.

    Raises:
        ClientError: the data is not acceptable, or the platform does not approve (step 5).
    """
    data = examine(path, market.config.generators_for, vault=vault, progress=progress)
    return register(market, vault, data, terms, words, uploading)


def register(
    market: Market, vault: Vault, data: Data, terms: Terms, words: Words, uploading: Progress = no_progress
) -> Done:
    """Offer ``data``, which were examined, for sale and return the transaction that made their contract (3, 4).

    Raises:
        ClientError: the platform does not approve (step 5).
    """
    named = market.config.preferred_for(data.kind)
    offer = terms.offer(market)

    in_parts = parts.are_needed(data.items) and not market.dry_run

    def make() -> Posting:
        # Before the intent is signed, which may live less long than this takes.
        sent = parts.upload(market, vault, data.items, uploading) if in_parts else []
        opening = _opening(data, named, words)
        commitments = opening.commitments()
        nonce = new_nonce()
        address = ids.listing_address(market=market.name, c_f=commitments.c_f, seller=market.address, nonce=nonce)
        params = {
            "c_f": commitments.c_f,
            "c_d": commitments.c_d,
            "c_exact": commitments.c_exact,
            "items": data.count,
            "generator": named,
            "offer": offer,
        }
        message = {
            "intent": market.sign("listing.create", params, nonce=nonce),
            "opening": canonical.loads(opening.to_json()),
            **({"parts": sent} if in_parts else {"items": [b64u(item) for item in data.items]}),
        }
        if not market.dry_run:
            held = Held(data.path, data.generators, opening.salt_f, opening.salt_exact)
            remember(vault, address, held)
        body = {"sealed": market.seal(canonical.dumps(message), kind="listing")}
        patience_s = round(COMPARISON_S * len(data.items))
        return replace(market.posting("/v1/listings", body, entity=address), patience_s=patience_s)

    act = ("listing.create", b64u(data.exact), offer, {**asdict(words), "tags": list(words.tags)})
    done = market.perform(act, make, find=lambda address: _made(market, address)).with_id()
    if in_parts:
        parts.forget(market, vault, data.items)
    return done


def _made(market: Market, address: str) -> Done | None:
    """Return the transaction that made the contract ``address``, None if there is no such contract."""
    try:
        state = market.http.get(f"/v1/listings/{address}").get("state")
        made = market.http.get(f"/v1/listings/{address}/registration")
    except ClientError as error:
        if error.code == ErrorCode.UNKNOWN_LISTING:
            return None
        raise
    return Done(str(made.get("txid", "")), {"state": state})


def _opening(data: Data, named: str, words: Words) -> Opening:
    others = () if data.generators == (named,) else data.generators
    description = Description(
        data.media_type, data.count, data.size, words.title, words.text, words.tags, generators=others
    )
    return Opening(
        root=data.root,
        exact=data.exact,
        description=description,
        salt_f=new_salt(),
        salt_d=new_salt(),
        salt_exact=new_salt(),
        items=data.count,
    )


@dataclass(frozen=True)
class Held:
    """The data of a listing that lies here: where, by which generators, and the salts that its next buyer needs."""

    path: Path
    generators: tuple[str, ...]
    salt_f: bytes = field(repr=False)
    salt_exact: bytes = field(repr=False)


def remember(vault: Vault, address: str, held: Held) -> None:
    """Store that the data of the listing ``address`` is ``held`` here."""
    record = {
        # A name may be bytes that are no text.
        "path": b64u(os.fsencode(held.path.resolve())),
        "generators": list(held.generators),
        "salt_f": b64u(held.salt_f),
        "salt_exact": b64u(held.salt_exact),
    }
    vault.put("listings", address, record)


def recall(vault: Vault, address: str) -> Held:
    """Return what `remember` stored.

    Raises:
        ClientError: this account never held the data of that listing here.
    """
    record = vault.get("listings", address)
    if record is None:
        raise ClientError(REFUSED_HERE, f"the data of {address} was never held by this account in this home")
    path = Path(os.fsdecode(unb64u(record["path"])))
    # Earlier versions knew one.
    generators = tuple(record.get("generators") or [record["generator"]])
    return Held(path, generators, unb64u(record["salt_f"]), unb64u(record["salt_exact"]))


def charge(market: Market, listing: str) -> Done:
    """Pay the management fee, which puts the listing on the market (step 8)."""
    params = {"listing": listing, "amount": str(market.config.management_fee)}
    return market.act(f"/v1/listings/{listing}/charge", "listing.charge", params)


def offer(market: Market, listing: str, terms: Terms) -> Done:
    """Replace the listing's offer by a new version."""
    return market.act(
        f"/v1/listings/{listing}/offers", "listing.offer", {"listing": listing, "offer": terms.offer(market)}
    )


def relist(market: Market, listing: str, terms: Terms) -> Done:
    """Put a listing that this account owns on the market again, on the same contract (A-06)."""
    return market.act(
        f"/v1/listings/{listing}/relist", "listing.relist", {"listing": listing, "offer": terms.offer(market)}
    )


def withdraw(market: Market, listing: str) -> Done:
    """Take the listing off the market."""
    return market.act(f"/v1/listings/{listing}/withdraw", "listing.withdraw", {"listing": listing})


def erase(market: Market, listing: str) -> Done:
    """Have description and fingerprints of a listing that this account owns erased, for good.

    Nobody can put it on the market again, and of copies only those of the same bytes are known from then on.

    Raises:
        ClientError: it is on the market, claimed, or under a legal hold; or it was erased before.
    """
    return market.act(f"/v1/listings/{listing}/erase", "listing.erase", {"listing": listing})

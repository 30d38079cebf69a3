"""The buyer's two ways to find data: browse descriptions (9-1), or search by a sample (9-2)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from countermark.client.data import examine
from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.keystore import Keys
from countermark.client.market import Market
from countermark.protocol import ids, intents, searches
from countermark.protocol.commitments import commit
from countermark.protocol.description import parse_description
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode, MarketError

_REGISTERED = ("c_f", "c_d", "c_exact", "items", "generator")
"""What the seller's registration says of a contract, for ever."""


def browse(market: Market, filters: dict[str, str | int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the listings on the market that ``filters`` admit (step 9-1)."""
    return market.pages("/v1/listings", filters)


def by_sample(market: Market, keys: Keys, path: Path) -> list[str]:
    """Return the addresses of listings whose data resembles the file ``path``, best first (steps 9-2 and 10).

    Only the sample's fingerprint leaves this machine, sealed to the platform; the answer is sealed to this account.
    """
    item = examine(path, market.config.preferred).items[0]
    token = searches.sign_search(keys.account, market=market.name, fingerprint=item, issued_at_ms=market.now())
    answer = market.http.post("/v1/searches", {"sealed": market.seal(token.encode(), kind="search")})
    try:
        found = market.open_sealed(keys.encryption, answer.get("sealed"), kind="search-answer")
        return [ids.parse_listing(address) for address in found["listings"]]
    except (MarketError, KeyError, TypeError) as error:
        raise ClientError(GATEWAY_ANSWER, "the platform's answer to the search cannot be read") from error


def show(market: Market, listing: str) -> dict[str, Any]:
    """Return a listing that was checked against its seller's own signed registration (step 10).

    From that the address derives, so whoever has the address has the commitments; the description is checked
    against its own. Price, state and owner are what the gateway says of the ledger.

    Raises:
        MarketError: UNKNOWN_LISTING for what is no listing's address.
        ClientError: there is no such listing; its seller has signed another, or committed to another description.
    """
    resource: dict[str, Any] = market.http.get(f"/v1/listings/{ids.parse_listing(listing)}")
    if resource.get("address") != listing:
        raise ClientError(GATEWAY_ANSWER, "the gateway answered with another listing")
    _check_registration(market, resource)
    try:
        description = parse_description(resource["description"])
        committed = commit("d", unb64u(resource["salt_d"], length=32), description.to_bytes())
    except (MarketError, KeyError) as error:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, "the listing's description cannot be checked") from error
    if committed != resource.get("c_d"):
        raise ClientError(
            ErrorCode.COMMITMENT_MISMATCH, "the description is not the one that the seller committed to"
        )
    return resource


def _check_registration(market: Market, resource: dict[str, Any]) -> None:
    """Check that the shown contract is the one that its seller registered under this very address."""
    address = resource["address"]
    try:
        token = market.http.get(f"/v1/listings/{address}/registration")["intent"]
        signed = intents.parse(token, market=market.name, action="listing.create")
    except (MarketError, KeyError) as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway does not show the seller's registration") from error
    made = ids.listing_address(market=market.name, c_f=signed.params["c_f"], seller=signed.signer, nonce=signed.nonce)
    shown = {name: resource.get(name) for name in ("seller", *_REGISTERED)}
    if made != address or shown != {"seller": signed.signer, **{name: signed.params[name] for name in _REGISTERED}}:
        raise ClientError(
            ErrorCode.COMMITMENT_MISMATCH, "the seller has signed another registration than the gateway shows"
        )

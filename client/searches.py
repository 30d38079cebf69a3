"""The buyer's two ways to find data: browse descriptions (9-1), or search by a sample (9-2)."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from countermark.client.data import Choice, Data
from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.examining import examine
from countermark.client.keystore import Keys
from countermark.client.market import Market
from countermark.client.paying import Paying
from countermark.client.transfers import Progress, no_progress
from countermark.fingerprint import Fingerprint
from countermark.fingerprint.kinds import COLLECTION
from countermark.protocol import fields, ids, intents, searches
from countermark.protocol.commitments import commit
from countermark.protocol.description import parse_description
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import ListingState

_REGISTERED = ("c_f", "c_d", "c_exact", "items", "generator")
"""What the seller's registration says of a contract, for ever."""


def browse(market: Market, filters: dict[str, str | int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the listings on the market that ``filters`` admit (step 9-1)."""
    return market.pages("/v1/listings", filters)


def by_sample(
    market: Market, keys: Keys, path: Path, progress: Progress = no_progress, *, paying: Paying | None = None
) -> list[str]:
    """Return the addresses of listings whose data resembles what lies at ``path``, best first (steps 9-2 and 10).

    Only the sample's fingerprints leave this machine, sealed to the platform; the answer is sealed to this account.
    What is no longer free is paid for with ``paying``, or else refused.

    Raises:
        ClientError: the sample is of no kind that the market takes, or may not be asked for now.
    """
    found = _ask(market, keys, path, searches.TYP, "search", progress, paying)
    try:
        return [ids.parse_listing(address) for address in found["listings"]]
    except (MarketError, KeyError, TypeError) as error:
        raise ClientError(GATEWAY_ANSWER, "the platform's answer to the search cannot be read") from error


def trace(
    market: Market, keys: Keys, path: Path, progress: Progress = no_progress, *, paying: Paying | None = None
) -> list[dict[str, Any]]:
    """Return the contracts that are bound to what ``path`` holds a copy of, the likest first.

    Each is ``{"listing", "match", "sales", "samples", "since", "state"}``; the supervisor is told the parties, too.

    Raises:
        ClientError: as `by_sample`.
    """
    found = _ask(market, keys, path, searches.TRACE_TYP, "trace", progress, paying)
    try:
        contracts = [fields.record(contract, _TRACED) for contract in found["contracts"]]
    except (MarketError, KeyError, TypeError) as error:
        raise ClientError(GATEWAY_ANSWER, "the platform's answer to the trace cannot be read") from error
    return contracts


_SALE = fields.nested(
    {
        "at": fields.time,
        "trade": fields.optional(fields.trade),
        "seller": fields.optional(fields.address),
        "buyer": fields.optional(fields.address),
    }
)
_TRACED: Mapping[str, fields.Parser] = {
    "listing": fields.listing,
    "match": fields.choice("identical", "copy", "resembles"),
    "sales": fields.sequence(_SALE, longest=1_000_000),
    "samples": fields.integer(0, searches.MAX_SAMPLES),
    "since": fields.time,
    "state": fields.choice(*ListingState),
    "owner": fields.optional(fields.address),
}


def _ask(
    market: Market, keys: Keys, path: Path, typ: str, kind: str, progress: Progress, paying: Paying | None
) -> dict[str, Any]:
    """Ask the platform about what lies at ``path`` and return its answer."""
    samples = _samples(examine(path, _one_each(market), progress=progress))

    def ask(payment: str = "") -> dict[str, Any]:
        token = searches.sign_search(
            keys.account,
            market=market.name,
            fingerprint=samples[0],
            more=samples[1:],
            issued_at_ms=market.now(),
            payment=payment,
            typ=typ,
        )
        sealed: dict[str, Any] = {"sealed": market.seal(token.encode(), kind=kind)}
        answer: dict[str, Any] = market.http.post(f"/v1/{_RESOURCES[kind]}", sealed)
        return answer

    try:
        answer = ask()
    except ClientError as error:
        if paying is None:
            raise
        answer = _ask_paying(ask, paying, error, len(samples))
    try:
        found: dict[str, Any] = market.open_sealed(keys.encryption, answer.get("sealed"), kind=f"{kind}-answer")
    except MarketError as error:
        raise ClientError(GATEWAY_ANSWER, f"the platform's answer to the {kind} cannot be read") from error
    return found


def _ask_paying(
    ask: Callable[[str], dict[str, Any]], paying: Paying, refusal: ClientError, samples: int
) -> dict[str, Any]:
    payment = paying.pay(refusal, samples)
    try:
        answer = ask(payment)
    except ClientError as error:
        paying.refused(error)
        raise
    paying.answered()
    return answer


_RESOURCES = {"search": "searches", "trace": "traces"}


def _one_each(market: Market) -> Choice:
    config = market.config
    # Of generators that the gate has beside the preferred one a sample needs none.
    return lambda kind: [config.preferred_for(kind)] if config.generators_for(kind) else []


def _samples(data: Data) -> list[bytes]:
    """Return the fingerprints to ask with: a file's, or of a collection those of files here and there."""
    items = [item for item in data.items if Fingerprint.from_bytes(item).kind != COLLECTION]
    if not items:
        raise ClientError(REFUSED_HERE, f"{data.path} holds nothing that could be searched for")
    step = -(-len(items) // searches.MAX_SAMPLES)
    chosen, total = [], 0
    for item in items[::step]:
        total += len(item)
        if total > searches.MAX_FINGERPRINT:
            break
        chosen.append(item)
    return chosen


def show(market: Market, listing: str) -> dict[str, Any]:
    """Return a listing that was checked against its seller's own signed registration (step 10).

    From that the address derives, so whoever has the address has the commitments; the description is checked
    against its own, and None where it was erased. Price, state and owner are what the gateway says of the ledger.

    Raises:
        MarketError: UNKNOWN_LISTING for what is no listing's address.
        ClientError: there is no such listing; its seller has signed another, or committed to another description.
    """
    resource: dict[str, Any] = market.http.get(f"/v1/listings/{ids.parse_listing(listing)}")
    if resource.get("address") != listing:
        raise ClientError(GATEWAY_ANSWER, "the gateway answered with another listing")
    _check_registration(market, resource)
    if resource.get("erased") is True and resource.get("description") is None:
        return resource
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

"""What makes a registration unique: the opening of its commitments and its exact digest under the market's pepper."""

from countermark.chaincode import state
from countermark.chaincode.context import Transaction
from countermark.chaincode.entities import read_listing
from countermark.protocol import commitments
from countermark.protocol.commitments import Commitments, Opening
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import ListingState


def read_opening(tx: Transaction) -> Opening:
    """Return the opening in the transient map, after recomputing what the seller has signed.

    Raises:
        MarketError: MALFORMED_REQUEST, DESCRIPTION_MALFORMED, TOO_MANY_ITEMS, COMMITMENT_MISMATCH.
    """
    raw = tx.stub.transient.get("opening")
    if raw is None:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "the transient map holds no opening")
    opening = Opening.from_json(raw)
    params, limits = tx.params, tx.rules.limits
    opening.check(Commitments(params["c_f"], params["c_d"], params["c_exact"]))
    if opening.items != params["items"]:
        raise MarketError(ErrorCode.COMMITMENT_MISMATCH, "the opening counts other items than the intent")
    if opening.items > limits.items:
        raise MarketError(ErrorCode.TOO_MANY_ITEMS, f"a listing has at most {limits.items} items")
    if len(opening.description.to_bytes()) > limits.description_bytes:
        raise MarketError(ErrorCode.DESCRIPTION_MALFORMED, "the description is too long")
    return opening


async def claim_exact_key(tx: Transaction, opening: Opening, address: str) -> str:
    """Register the exact digest for ``address`` under the newest pepper and return its key (D-2).

    All versions of the pepper are tested, for old registrations stand under old ones. The read of each key makes
    the second of two simultaneous registrations fail when it commits. What the seller has erased is his to register
    anew.

    Raises:
        MarketError: ALREADY_REGISTERED by somebody else; ALREADY_LISTED or RELIST_EXISTING by the seller himself.
    """
    peppers = await tx.read(state.PEPPER, ErrorCode.MARKET_MISSING, "the market has no pepper")
    key = ""
    for version in range(1, peppers["version"] + 1):
        pepper = await tx.stub.get_private_data(state.FINGERPRINTS, state.pepper(version))
        if pepper is None:
            raise MarketError(ErrorCode.MARKET_MISSING, "this peer does not hold the market's pepper")
        key = commitments.exact_key(pepper, opening.exact)
        await _check_free(tx, await tx.find(state.exact(key)))
    tx.put(state.exact(key), {"listing": address, "status": "LIVE"})
    return key


async def _check_free(tx: Transaction, registered: dict[str, str] | None) -> None:
    if registered is None or registered["status"] == "VOID":
        return
    other = await read_listing(tx, registered["listing"])
    if other.owner == tx.signer and other.awarded and other.address in tx.attached("overlaps"):
        # He has it by a claim, and cannot deliver by it: the new contract takes its place, and splits it.
        return
    if other.owner != tx.signer:
        raise MarketError(ErrorCode.ALREADY_REGISTERED, "this data is registered by somebody else")
    if other.state in (ListingState.SOLD, ListingState.WITHDRAWN):
        if other.erased:
            return  # nobody can list it again, so its owner begins anew
        raise MarketError(ErrorCode.RELIST_EXISTING, f"relist {other.address}")
    raise MarketError(ErrorCode.ALREADY_LISTED, f"your {other.address} is {other.state}")

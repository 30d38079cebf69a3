"""Reading the claims in which one has a part, and why they were decided as they were."""

from collections.abc import Iterator
from typing import Any

from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.market import Market
from countermark.protocol import fields, ids
from countermark.protocol.claim_papers import ClaimReasons
from countermark.protocol.claims import ClaimState
from countermark.protocol.errors import ErrorCode, MarketError


def show(market: Market, claim: str) -> dict[str, Any]:
    """Return a claim in which the account has a part.

    Raises:
        MarketError: UNKNOWN_CLAIM for what is no claim's id.
        ClientError: there is none.
    """
    resource = _check(market.http.get(f"/v1/claims/{ids.parse_claim(claim)}"))
    if resource["id"] != claim:
        raise ClientError(GATEWAY_ANSWER, "the gateway answered with another claim")
    return resource


def mine(market: Market, *, open_only: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the claims in which the account has a part, with ``open_only`` those that have not ended.

    Raises:
        ClientError: the gateway refuses or cannot be reached.
    """
    for resource in market.pages("/v1/claims", {"open": "true"} if open_only else None):
        yield _check(resource)


def reasons_of(market: Market, claim: dict[str, Any]) -> ClaimReasons:
    """Return the reasons of the decision on a claim resource, for who has a part in it.

    Raises:
        ClientError: nobody has decided it, or the platform gives other reasons than were decided by.
    """
    if not claim.get("decision"):
        raise ClientError(ErrorCode.NOT_FOUND, f"nobody has decided this claim, which is {claim['state']}")
    try:
        reasons = ClaimReasons.from_json(market.http.get(f"/v1/claims/{claim['id']}/decision").get("reasons"))
    except MarketError as error:
        raise ClientError(GATEWAY_ANSWER, f"the reasons cannot be read: {error}") from error
    said = (reasons.claim, reasons.decision, reasons.digest)
    if said != (claim["id"], claim["decision"]["decision"], claim["decision"]["reasons"]):
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, "these are not the reasons that were decided by")
    return reasons


def _check(resource: dict[str, Any]) -> dict[str, Any]:
    try:
        ids.parse_claim(resource["id"])
        ids.parse_listing(resource["listing"])
        ClaimState(resource["state"])
        fields.amount_or_zero(resource["deposit"])
        fields.encryption_key(resource["decider"]["encryption_key"])
    except (KeyError, TypeError, ValueError, MarketError) as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway's claim is malformed") from error
    return resource

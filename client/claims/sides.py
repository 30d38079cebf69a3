"""Either side of a claim: who opens it, and who answers for his contract, each with sealed evidence (A-08)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.market import Done, Market
from countermark.client.unanswered import Posting
from countermark.protocol import canonical, ids, sealed
from countermark.protocol.claim_papers import EVIDENCE_KIND, FILE_BYTES, Evidence
from countermark.protocol.encoding import digest
from countermark.protocol.intents import new_nonce


def evidence_of(market: Market, listing: str, statement: str, files: Sequence[Path]) -> Evidence:
    """Return what the account of ``market`` shows of its right to ``listing``: words, and the bytes of ``files``.

    Raises:
        MarketError: UNKNOWN_LISTING; MALFORMED_REQUEST or TOO_LARGE for what evidence cannot hold.
        ClientError: a file cannot be read.
    """
    read: list[tuple[str, bytes]] = []
    for path in files:
        try:
            with path.open("rb") as file:
                read.append((path.name, file.read(FILE_BYTES + 1)))
        except OSError as error:
            raise ClientError(REFUSED_HERE, f"{path}: {error.strerror}") from error
    return Evidence(market.address, ids.parse_listing(listing), statement, tuple(read))


def open_claim(market: Market, evidence: Evidence) -> Done:
    """Claim the contract of ``evidence``, and return the claim's id in its result.

    Raises:
        MarketError: the evidence is malformed or too large.
        ClientError: a rule of the market refuses.
    """
    plaintext, listing = evidence.to_bytes(), evidence.listing

    def make() -> Posting:
        message, committed = _sealed(market, plaintext)
        params = {"listing": listing, "deposit": str(market.config.claims.deposit), "evidence": committed}
        nonce = new_nonce()
        claim = ids.claim_id(market=market.name, listing=listing, claimant=market.address, nonce=nonce)
        body = {"intent": market.sign("claim.open", params, nonce=nonce), "sealed": message}
        return market.posting("/v1/claims", body, entity=claim)

    return market.perform(("claim.open", listing), make).with_id()


def answer(market: Market, claim: dict[str, Any], evidence: Evidence) -> Done:
    """Answer for the contract of the resource ``claim``, as its owner.

    Raises:
        MarketError: the evidence is malformed or too large.
        ClientError: it is of another contract, or a rule of the market refuses.
    """
    if evidence.listing != claim["listing"]:
        raise ClientError(REFUSED_HERE, "the evidence is of another contract")
    plaintext = evidence.to_bytes()

    def make() -> Posting:
        message, committed = _sealed(market, plaintext, claim["decider"])
        params = {"claim": claim["id"], "deposit": claim["deposit"], "evidence": committed}
        body = {"intent": market.sign("claim.answer", params), "sealed": message}
        return market.posting(f"/v1/claims/{claim['id']}/answer", body, entity=claim["id"])

    return market.perform(("claim.answer", claim["id"]), make)


def _sealed(market: Market, plaintext: bytes, decider: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    """Return the sealed message and its digest.

    The key is the supervisor's by the market's own configuration, which this home holds to, unless the claim was
    opened under another supervisor, whose key the claim names.
    """
    supervisor = market.config.supervisor
    version, public = supervisor.encryption_key.version, supervisor.encryption_key.key
    if decider is not None and decider["account"] != supervisor.account:
        version, public = decider["encryption_key"]["version"], decider["encryption_key"]["key"]
    message = sealed.seal(public, plaintext, kind=EVIDENCE_KIND, market=market.name, key_version=version)
    return message, digest(canonical.dumps(message))

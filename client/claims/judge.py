"""The supervisor's part of a claim: read what either side has sealed to him, decide, give the reasons (D-9)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder, write_private
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.vault import Vault
from countermark.protocol import canonical, sealed
from countermark.protocol.claim_papers import EVIDENCE_KIND, ClaimReasons, Evidence
from countermark.protocol.claims import Claimed
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError

SIDES = ("claimant", "owner")

_GIVEN = "claim-decisions"


class Ledger(Protocol):
    """The supervisor's own way to the ledger, by his organisation's client: no gateway stands between."""

    def submit(self, function: str, token: str) -> Done:
        """Have the intent of ``token`` endorsed and ordered, and return it when it has committed."""
        ...


def evidence(market: Market, keys: Keys, record: Mapping[str, Any]) -> dict[str, Evidence | str]:
    """Return what each side shows in the claim of ``record``, by the side; text where what it sent shows nothing.

    ``record`` is that of the supervisor's own replica: its digests tell whether this is what was handed in.

    Raises:
        ClientError: the platform does not answer, or this home does not have the key.
    """
    if record["decider"]["encryption_key"]["version"] not in keys.encryption:
        raise ClientError(REFUSED_HERE, "this home does not have the key to which evidence of this claim is sealed")
    given = market.http.get(f"/v1/claims/{record['id']}/evidence")
    committed = {side: record["evidence"][side] for side in SIDES if record["evidence"][side]}
    return {side: _shown(market, keys, record, side, given.get(side)) for side in committed}


def _shown(market: Market, keys: Keys, record: Mapping[str, Any], side: str, message: object) -> Evidence | str:
    """Return what ``side`` shows; why it shows nothing as text: one side's evidence must not hide the other's."""
    if message is None:
        return "the platform does not have it: ask this side for what it has committed to"
    if digest(canonical.dumps(message)) != record["evidence"][side]:
        return "the platform gives other evidence than was committed to: ask this side for it"
    try:
        shown = Evidence.from_bytes(
            sealed.open_sealed(keys.encryption, message, kind=EVIDENCE_KIND, market=market.name)
        )
    except MarketError as error:
        # His own doing: he has committed to what nobody can read.
        return f"it cannot be read: {error}"
    if shown.account != record[side]:
        return f"it is the evidence of {shown.account}, not of this side"
    return shown if shown.listing == record["listing"] else "it is of another contract"


def write(evidence: Evidence, folder: Path) -> list[Path]:
    """Write the files of ``evidence`` into a new private ``folder``, and return where they lie.

    Raises:
        ClientError: the folder cannot be written to, or holds such a file already.
    """
    try:
        private_folder(folder)
        for name, data in evidence.files:
            write_private(folder / name, data, clobber=False)
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or folder}: {error.strerror}") from error
    return [folder / name for name, _ in evidence.files]


def decide(
    market: Market, vault: Vault, ledger: Ledger, record: Mapping[str, Any], winner: Claimed, remark: str = ""
) -> Done:
    """Find the contract of the claim of ``record`` to be ``winner``'s; ``remark`` is for both sides.

    Raises:
        ClientError: the ledger refuses, or its answer stays unknown; this again does no harm.
    """
    reasons = ClaimReasons.give(str(record["id"]), winner, remark)
    params = {"claim": reasons.claim, "decision": winner, "reasons": reasons.digest}
    token = market.sign("claim.decide", params)
    # Before it is asked for: who has decided can always say why.
    with vault.locked(_GIVEN, reasons.claim):
        _remember(vault, reasons, token)
    return ledger.submit("claim.decide", token)


def _remember(vault: Vault, reasons: ClaimReasons, token: str) -> None:
    given = vault.get(_GIVEN, reasons.claim) or {"items": []}
    vault.put(_GIVEN, reasons.claim, {"items": [*given["items"], {"intent": token, "reasons": reasons.to_json()}]})


def hand_in(market: Market, vault: Vault, record: Mapping[str, Any]) -> ClaimReasons:
    """Give the platform the reasons of the decision in ``record`` for both sides, and return them.

    Raises:
        ClientError: the decision is not this home's, or the platform does not take them, or is away.
    """
    claim = str(record["id"])
    for given in (vault.get(_GIVEN, claim) or {"items": []})["items"]:
        reasons = ClaimReasons.from_json(given["reasons"])
        if record["decision"] and reasons.digest == record["decision"]["reasons"]:
            market.http.post(f"/v1/claims/{claim}/decision", given, wait_s=5)
            return reasons
    raise ClientError(ErrorCode.NOT_FOUND, "nothing in this home has decided this claim")

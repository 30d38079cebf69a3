"""Decide a dispute: look at the evidence, say what it shows on the ledger, give the parties the reasons (IV.A)."""

import filecmp
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from countermark.client import searches
from countermark.client.disputes import evidence, isolation
from countermark.client.disputes.evidence import Case, Sources
from countermark.client.disputes.examination import Question
from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.files import private_folder, replacing
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.transfers import Progress, no_progress
from countermark.client.vault import Vault
from countermark.protocol import fields
from countermark.protocol.decisions import Finding, Reasons
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader
from countermark.protocol.transitions import TradeState

_GIVEN = "decisions"


class Ledger(Protocol):
    """The decider's own way to the ledger, by his organisation's client: no gateway stands between."""

    def trade(self, trade: str) -> dict[str, Any]:
        """Return the record of ``trade`` in his own organisation's replica."""
        ...

    def submit(self, function: str, token: str) -> Done:
        """Have the intent of ``token`` endorsed and ordered, and return it when it has committed."""
        ...


def examine(
    market: Market,
    keys: Keys,
    record: dict[str, Any],
    folder: Path,
    sources: Sources | None = None,
    progress: Progress = no_progress,
) -> Finding:
    """Return what the evidence in the dispute over the trade of ``record`` shows.

    ``folder`` keeps the package, which stays encrypted, until `forget`; the data are in a confined process alone,
    under no name, and end with it.

    Raises:
        ClientError: this account does not decide now, evidence is missing, or this machine cannot examine it.
    """
    case, sources = Case.of(record, keys.address), sources or Sources()
    key = evidence.find_key(market, keys, case, sources)
    if isinstance(key, Finding):
        return key
    package = evidence.find_package(market, case, sources, folder, progress)
    if package is None:
        return Finding.NO_BYTES
    question = Question(
        package=package.absolute(),
        header=PackageHeader(case.trade, record["buyer"], record["seller"], record["listing"]),
        root=record["package"]["root"],
        c_f=record["c_f"],
        c_exact=record["c_exact"],
        generators=tuple(_generators(market, record)),
        key=key,
    )
    found = isolation.ask(question, private_folder(folder))
    if found is Finding.NO_BYTES:
        if sources.package is None:
            # What was fetched is of no use to anybody: the platform has given something else.
            forget(folder, case.trade)
        raise ClientError(
            ErrorCode.PACKAGE_ROOT_MISMATCH,
            "these are not the bytes that the seller committed to: have them of a party, or say that they are absent",
        )
    return found


def give(folder: Path, record: Mapping[str, Any], sources: Sources, finding: Finding, hand_over: Path | None) -> None:
    """Keep the package as ``hand_over`` for the buyer, who must have it before good data count as supplied.

    Raises:
        ClientError: he says that he could not fetch the package, which is good, and it is not to be handed over; or
            there is such a file, or none to be kept.
    """
    supplied = finding is Finding.AS_REGISTERED and record["dispute"]["reason"] == "unavailable"
    if hand_over is None:
        if supplied:
            raise ClientError(
                REFUSED_HERE,
                "the buyer could not fetch it: keep the package for him (--hand-over), and give it to him",
            )
        return
    package = sources.package or evidence.fetched(folder, str(record["id"]))
    try:
        with package.open("rb") as source, replacing(hand_over, clobber=False) as out:
            shutil.copyfileobj(source, out)
    except FileExistsError as error:
        # A dry run has kept it, which the decision follows.
        if not filecmp.cmp(package, hand_over, shallow=False):
            raise ClientError(REFUSED_HERE, f"{hand_over} exists already, and is something else") from error
    except OSError as error:
        raise ClientError(REFUSED_HERE, f"{error.filename or package}: {error.strerror}") from error


def decide(
    market: Market, vault: Vault, ledger: Ledger, record: Mapping[str, Any], finding: Finding, remark: str = ""
) -> Done:
    """Decide the trade of ``record`` by ``finding``; ``remark`` is for the parties, and names nothing of the data.

    Raises:
        ClientError: the ledger refuses, or its answer stays unknown; this again does no harm.
    """
    reasons = Reasons.give(record["id"], finding, remark)
    params = {"trade": reasons.trade, "decision": finding.decision, "reasons": reasons.digest}
    token = market.sign("trade.decide", params)
    # Before it is asked for: who has decided can always say why.
    given = vault.get(_GIVEN, reasons.trade) or {"items": []}
    vault.put(_GIVEN, reasons.trade, {"items": [*given["items"], {"intent": token, "reasons": reasons.to_json()}]})
    return ledger.submit("trade.decide", token)


def hand_in(market: Market, vault: Vault, record: Mapping[str, Any]) -> Reasons:
    """Give the platform the reasons of the decision in ``record`` for the parties, and return them.

    Raises:
        ClientError: the decision is not this home's, or the platform does not take them, or is away.
    """
    trade = str(record["id"])
    for given in (vault.get(_GIVEN, trade) or {"items": []})["items"]:
        reasons = Reasons.from_json(given["reasons"])
        if record["decision"] and reasons.digest == record["decision"]["reasons"]:
            market.http.post(f"/v1/trades/{trade}/decision", given, wait_s=5)
            return reasons
    raise ClientError(REFUSED_HERE, "nothing in this home has decided this trade")


def forget(folder: Path, trade: str) -> None:
    """Remove what was fetched to decide ``trade``."""
    evidence.fetched(folder, trade).unlink(missing_ok=True)


def forget_ended(folder: Path, ledger: Ledger) -> None:
    """Remove what was fetched into ``folder`` to decide trades that have ended, whoever has ended them.

    Raises:
        ClientError: the ledger does not answer.
    """
    for trade in evidence.waiting(folder):
        if TradeState(ledger.trade(trade)["state"]).final:
            forget(folder, trade)


def alone(vault: Vault, trade: str) -> AbstractContextManager[None]:
    """Return a block in which no other run of this home decides ``trade``; it waits for whoever does."""
    return vault.locked(_GIVEN, trade)


def reasons_of(market: Market, trade: dict[str, Any]) -> Reasons:
    """Return the reasons of the decision on a trade resource, for who has a part in it.

    Raises:
        ClientError: nobody has decided it, or the platform gives other reasons than were decided by.
    """
    if not trade.get("decision"):
        raise ClientError(ErrorCode.NOT_FOUND, f"nobody has decided this trade, which is {trade['state']}")
    try:
        reasons = Reasons.from_json(market.http.get(f"/v1/trades/{trade['id']}/decision").get("reasons"))
    except MarketError as error:
        raise ClientError(GATEWAY_ANSWER, f"the reasons cannot be read: {error}") from error
    if reasons.digest != trade["decision"]["reasons"]:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, "these are not the reasons that were decided by")
    return reasons


def _generators(market: Market, record: Mapping[str, Any]) -> list[str]:
    """Return the generators by which the contract's fingerprints are made, as its own description says."""
    listing = searches.show(market, record["listing"])
    if any(listing.get(name) != record[name] for name in ("c_d", "c_f", "c_exact")):
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, "the gateway shows another contract than the trade is about")
    description = listing["description"]
    if description is None:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, "the gateway shows the contract as erased, in its trade")
    names = description.get("generators") or [listing["generator"]]
    return [fields.name(name) for name in names]

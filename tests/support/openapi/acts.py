"""What a good client would ask for: an intent, who signs it, and what goes with it, for every action of a route."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from countermark.protocol import canonical, intents, searches
from countermark.protocol.claim_papers import EVIDENCE_KIND, ClaimReasons, Evidence
from countermark.protocol.claims import Claimed
from countermark.protocol.decisions import Finding, Reasons
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.notices import Notice, sign_notice
from countermark.protocol.sealed import seal
from countermark.protocol.transitions import ACTS, LISTING_ACTS, ListingState, TradeState
from tests.support.front import MANAGEMENT_FEE
from tests.support.market import CLAIM_DEPOSIT, SUPERVISOR, Actor, actor, offer
from tests.support.openapi.live import LiveMarket
from tests.support.pictures import fingerprint
from tests.support.platform import MARKET, application, sealed

Change = Callable[[dict[str, Any]], None]
"""Alters a document before it is sealed."""

_STATE = {act.function: act.source for act in reversed(ACTS)}
_LISTING_STATE = {function: next(iter(moves)) for function, moves in LISTING_ACTS.items()}


@dataclass
class Act:
    """An intent as its signer means it."""

    action: str
    signer: Actor
    params: dict[str, Any]
    path: dict[str, str] = field(default_factory=dict)
    """Values of the path's parameters, as far as the act knows them."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Members of the body beside the intent."""
    token: str = ""
    """The intent, where it stands on the ledger already."""


def make(live: LiveMarket, action: str, *, fresh: bool, pick: int) -> Act:
    """Return an act of this kind: on something `fresh` in the right state, or on the one of all that `pick` says."""
    if action.startswith("trade.") and action != "trade.pay":
        trade = live.trade(_STATE[action]) if fresh else live.trades[pick % len(live.trades)]
        return _trade(live, action, trade, fresh=fresh)
    if action in ("claim.answer", "claim.decide"):
        claim = live.claim(answered=action == "claim.decide") if fresh else live.claims[pick % len(live.claims)]
        return _claim(live, action, claim, fresh=fresh)
    if action in ("listing.create", "trade.pay") or not action.startswith("listing."):
        maker = _OTHERS.get(action)
        assert maker is not None, f"tests/support/openapi/acts.py makes no intent `{action}`: add one to _OTHERS"
        return maker(live, fresh, pick)
    state = _LISTING_STATE[action]
    listing = live.listing(ListingState(state)) if fresh else live.listings[pick % len(live.listings)]
    return _listing(live, action, listing, fresh=fresh)


def _listing(live: LiveMarket, action: str, listing: str, *, fresh: bool) -> Act:
    params: dict[str, Any] = {"listing": listing}
    owner = live.by_address(live.market.listing(listing)["owner"])
    if action == "listing.charge":
        params["amount"] = str(MANAGEMENT_FEE)
        live.fill_purse(owner, MANAGEMENT_FEE, fresh=fresh)
    elif action in ("listing.offer", "listing.relist"):
        params["offer"] = offer()
    return Act(action, owner, params, {"listing": listing})


def _claim(live: LiveMarket, action: str, claim: str, *, fresh: bool = False) -> Act:
    record = live.market.claim_record(claim)
    owner = live.by_address(live.market.listing(record["listing"])["owner"])
    act = Act(action, owner, {"claim": claim}, {"claim": claim})
    if action == "claim.answer":
        _show(live, act, record["listing"], fresh=fresh)
        return act
    reasons = ClaimReasons.give(claim, Claimed.OWNER, "as it is")
    act.signer = live.market.supervisor
    act.extra = {"reasons": reasons.to_json()}
    act.params |= {"decision": reasons.decision, "reasons": reasons.digest}
    if fresh:
        # The ledger takes it of the supervisor's own organisation; here he hands it in with his reasons.
        act.token = live.market.sign(act.signer, action, act.params)
        live.market.send_token(act.token, action, msp=act.signer.msp)
    return act


def _open_claim(live: LiveMarket, fresh: bool, pick: int) -> Act:
    listing = live.listing() if fresh else live.listings[pick % len(live.listings)]
    act = Act("claim.open", live.market.stranger, {"listing": listing})
    _show(live, act, listing, fresh=fresh)
    return act


def _show(live: LiveMarket, act: Act, listing: str, *, fresh: bool) -> None:
    """Add deposit and sealed evidence to `act`."""
    plaintext = Evidence(act.signer.address, listing, "It is mine", (("original", b"larger"),)).to_bytes()
    key = live.market.supervisor.encryption.public
    message = seal(key, plaintext, kind=EVIDENCE_KIND, market=MARKET, key_version=1)
    act.extra = {"sealed": message}
    act.params |= {"deposit": str(CLAIM_DEPOSIT), "evidence": digest(canonical.dumps(message))}
    live.fill_purse(act.signer, CLAIM_DEPOSIT, fresh=fresh)


def decided_claim(live: LiveMarket) -> str:
    """Return a claim that the supervisor has decided, evidence and reasons handed in."""
    opened = _open_claim(live, True, 0)
    claim = _submit(live, opened, "")
    answered = _claim(live, "claim.answer", claim, fresh=True)
    _submit(live, answered, f"/{claim}/answer")
    _submit(live, _claim(live, "claim.decide", claim, fresh=True), f"/{claim}/decision")
    return claim


def _submit(live: LiveMarket, act: Act, resource: str) -> str:
    token = act.token or live.market.sign(act.signer, act.action, act.params)
    told = live.front.http(act.signer).post(f"/v1/claims{resource}", {"intent": token, **act.extra}, wait_s=5)
    return str(told["result"]["id"])


def _trade(live: LiveMarket, action: str, trade: str, *, fresh: bool = False) -> Act:
    record = live.market.trade(trade)
    seller, buyer = live.by_address(record["seller"]), live.by_address(record["buyer"])
    act = Act(action, buyer, {"trade": trade}, {"trade": trade})
    if action in ("trade.charge", "trade.cancel", "trade.send", "trade.remedy"):
        act.signer = seller
    if action == "trade.charge":
        act.params |= {"fee": record["fee"], "bond": record["bond"]}
        live.fill_purse(seller, int(record["fee"]) + int(record["bond"]), fresh=fresh)
    elif action in ("trade.send", "trade.remedy"):
        _, summary = live.package(trade)
        notice = _notice(live, record, act)
        act.params |= {"package_root": summary.root, "package_size": summary.size, "notice": notice}
    elif action == "trade.ack":
        act.params |= {"verdict": "match", "notice": _notice(live, record, act, verdict="match")}
    elif action == "trade.dispute":
        act.params["reason"] = "undecryptable" if record["state"] == TradeState.SENT else "mismatch"
    elif action == "trade.decide":
        judge = "substitute" if record["decider"] == "substitute" else "arbiter"
        reasons = Reasons.give(trade, Finding.OTHER_DATA, "as it is")
        act.signer = actor(judge, SUPERVISOR)
        act.extra = {"reasons": reasons.to_json()}
        act.params |= {"decision": reasons.finding.decision, "reasons": reasons.digest}
        if fresh:
            # The ledger takes it of the decider's own organisation; here he hands it in with his reasons.
            act.token = live.market.sign(act.signer, action, act.params)
            live.market.send_token(act.token, action, msp=act.signer.msp)
    elif action == "trade.open":
        openings = {name: _opening(live, trade, actor(name)) for name in ("arbiter", "substitute")}
        act.extra = {"openings": openings}
        act.params |= {
            "opening": digest(canonical.dumps(openings["arbiter"])),
            "substitute_opening": digest(canonical.dumps(openings["substitute"])),
        }
    return act


def _notice(live: LiveMarket, record: Mapping[str, Any], act: Act, verdict: Any = None) -> str:
    """Put the sealed notice of the signer of `act` into its body, and return the digest."""
    notice = Notice(
        role="buyer" if verdict else "seller",
        trade=record["id"],
        seller=record["seller"],
        buyer=record["buyer"],
        listing=record["listing"],
        platform=live.market.platform.address,
        fingerprint_root=digest(b"fingerprint"),
        claimed_at_ms=live.now_ms,
        verdict=verdict,
    )
    token, committed = sign_notice(act.signer.key, notice, market=MARKET)
    act.extra = {"sealed": sealed(token, "notice")}
    return committed


def _opening(live: LiveMarket, trade: str, judge: Actor) -> dict[str, Any]:
    document = canonical.dumps({"trade": trade, "key": b64u(actor("one-time key").encryption.to_bytes())})
    return seal(judge.encryption.public, document, kind="opening", market=MARKET, key_version=1)


def _pay(live: LiveMarket, fresh: bool, pick: int) -> Act:
    listing = live.listing() if fresh else live.listings[pick % len(live.listings)]
    buyer = live.market.buyer
    params = live.market.pay_params(listing)
    live.fill_purse(buyer, int(params["price"]) + int(params["bond"]), fresh=fresh)
    return Act("trade.pay", buyer, params, {"listing": listing})


def _open_account(live: LiveMarket, fresh: bool, pick: int) -> Act:
    who = actor(f"newcomer {live.number()}") if fresh else live.actors[pick % len(live.actors)]
    return Act("account.open", who, {"encryption_key": {"key": who.encryption.public, "version": 1}})


def _rotate(live: LiveMarket, fresh: bool, pick: int) -> Act:
    who = live.market.stranger
    version = int(live.account(who.address)["encryption_key"]["version"])
    key = {"key": who.encryption.public, "version": version + (1 if fresh else pick % 3)}
    return Act("account.rotate_encryption_key", who, {"encryption_key": key}, {"address": who.address})


def _money(action: str, **params: str) -> Callable[[LiveMarket, bool, int], Act]:
    def act(live: LiveMarket, fresh: bool, pick: int) -> Act:
        buyer = live.market.buyer
        live.fill_purse(buyer, 100, fresh=fresh)
        amount = str(7 if fresh else pick)
        return Act(action, buyer, {**params, "amount": amount}, {"address": buyer.address})

    return act


def _transfer(live: LiveMarket, fresh: bool, pick: int) -> Act:
    to = live.market.seller if fresh else live.actors[pick % len(live.actors)]
    return _money("coin.transfer", to=to.address)(live, fresh, pick)


def _cancel(live: LiveMarket, fresh: bool, pick: int) -> Act:
    buyer = live.market.buyer
    nonce = intents.new_nonce() if fresh else b64u(hashlib.sha256(str(pick % 5).encode()).digest()[:16])
    return Act("intent.cancel", buyer, {"nonce": nonce}, {"address": buyer.address})


def _create(live: LiveMarket, fresh: bool, pick: int) -> Act:
    # Only a fresh one is of other data; the gate refuses all others.
    seller = live.actors[pick % 3] if not fresh else live.market.seller
    change = None if fresh else _changes(pick)
    message = application(
        seller, fingerprint(picture(live.number() if fresh else pick % 2)), now_ms=live.now_ms, change=change
    )
    return Act("listing.create", seller, {}, extra={"sealed": message})


def _changes(pick: int) -> Change:
    def change(document: dict[str, Any]) -> None:
        name = ("", "intent", "items", "opening")[pick % 4]
        if name:
            document[name] = (None, "", [], ["AA"], {}, 0)[pick // 4 % 6]

    return change


def inquiry(live: LiveMarket, kind: str, *, fresh: bool, pick: int) -> dict[str, Any]:
    """Return the sealed search or trace, by its kind, of one of those who have an account."""
    sample = fingerprint(picture(0)).to_bytes() if fresh else hashlib.sha512(str(pick).encode()).digest()
    who = live.actors[pick % 6]
    typ = {"search": searches.TYP, "trace": searches.TRACE_TYP}[kind]
    token = searches.sign_search(who.key, market=MARKET, fingerprint=sample, issued_at_ms=live.now_ms, typ=typ)
    return sealed(token, kind)


def picture(seed: int) -> Image.Image:
    """Return a picture that resembles none of another `seed`."""
    coarse = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)


_OTHERS: Mapping[str, Callable[[LiveMarket, bool, int], Act]] = {
    "account.open": _open_account,
    "claim.open": _open_claim,
    "account.rotate_encryption_key": _rotate,
    "coin.redeem": _money("coin.redeem", issuer="PlatformMSP"),
    "coin.transfer": _transfer,
    "intent.cancel": _cancel,
    "listing.create": _create,
    "trade.pay": _pay,
}


def deliver(live: LiveMarket) -> None:
    """Bring a trade to where its package has come to the platform and is on the ledger as sent; a remedy too."""
    live.delivered.append(_deliver(live, live.trade(TradeState.FUNDED), "trade.send", "notices", "package"))
    disputed = live.trade(TradeState.EVIDENCED)
    live.remedied.append(_deliver(live, disputed, "trade.remedy", "remedy", "remedy/package"))


def _deliver(live: LiveMarket, trade: str, action: str, resource: str, package: str) -> str:
    act = _trade(live, action, trade)
    token = live.market.sign(act.signer, act.action, act.params)
    http = live.front.http(act.signer)
    http.post(f"/v1/trades/{trade}/{resource}", {"intent": token, **act.extra}, wait_s=5)
    data, _ = live.package(trade)
    http.put_range(f"/v1/trades/{trade}/{package}", data, start=0, total=len(data))
    live.front.work()
    return trade


def evidence(live: LiveMarket) -> str:
    """Return a trade that its arbiter decides now, its openings handed in."""
    trade = live.trade(TradeState.DISPUTED)
    _hand_in(live, _trade(live, "trade.open", trade, fresh=True), "opening")
    return trade


def decided(live: LiveMarket) -> str:
    """Return a trade whose arbiter has decided it, his reasons handed in."""
    trade = live.trade(TradeState.EVIDENCED)
    _hand_in(live, _trade(live, "trade.decide", trade, fresh=True), "decision")
    return trade


def _hand_in(live: LiveMarket, act: Act, resource: str) -> None:
    token = act.token or live.market.sign(act.signer, act.action, act.params)
    http = live.front.http(act.signer)
    http.post(f"/v1/trades/{act.path['trade']}/{resource}", {"intent": token, **act.extra}, wait_s=5)

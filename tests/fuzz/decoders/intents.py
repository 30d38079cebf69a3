"""Intents of every action, as gateway, chaincode and auditor parse them."""

from random import Random
from typing import Any

from countermark.protocol import actions, intents, market, market_rules, times
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.errors import MarketError
from tests.fuzz import tokens
from tests.fuzz.decoder import Decoder
from tests.fuzz.jsonwise import spell
from tests.fuzz.parties import BUYER, LISTING, MARKET, NONCE, NOW_MS, ONE_TIME, SELLER, TRADE
from tests.support.market import DEADLINES, config_json

_OFFER = {"right": "ownership", "price": "20000", "deadlines": DEADLINES}
_KEY = {"version": 1, "key": ONE_TIME.public}
_LISTING, _TRADE, _DIGEST = {"listing": LISTING}, {"trade": TRADE}, digest(b"anything")
_CLAIM = {"claim": "cl1" + "a" * 52}


def parameters() -> dict[str, dict[str, Any]]:
    """Return good parameters of every action."""
    return {
        "intent.cancel": {"nonce": NONCE},
        "market.propose": {"config": config_json()},
        "market.approve": {"version": 2, "digest": _DIGEST},
        "account.open": {"encryption_key": _KEY, "recovery": BUYER.address, "sponsor": "TraderMSP"},
        "account.rotate_encryption_key": {"encryption_key": _KEY},
        **{f"account.{act}": {"account": BUYER.address} for act in ("freeze", "release", "recover", "veto")},
        "coin.mint": {"to": BUYER.address, "amount": "1", "reference": "deposit-1"},
        "coin.transfer": {"to": BUYER.address, "amount": str(2**63 - 1)},
        "coin.redeem": {"issuer": "PlatformMSP", "amount": "7"},
        "coin.burn": {"redemption": "redemption"},
        "listing.create": {
            "c_f": _DIGEST,
            "c_d": _DIGEST,
            "c_exact": _DIGEST,
            "items": 1,
            "generator": "image/v1",
            "offer": _OFFER,
        },
        "listing.charge": {**_LISTING, "amount": "100"},
        "listing.offer": {**_LISTING, "offer": _OFFER},
        "listing.withdraw": _LISTING,
        "listing.relist": {**_LISTING, "offer": _OFFER},
        **dict.fromkeys(("listing.hold", "listing.release", "listing.erase"), _LISTING),
        "trade.pay": {
            **_LISTING,
            "offer_version": 1,
            "price": "20000",
            "bond": "500",
            "c_d": _DIGEST,
            "pk_t": ONE_TIME.public,
            "deadlines": DEADLINES,
        },
        "trade.charge": {**_TRADE, "fee": "500", "bond": "0"},
        **{f"trade.{act}": _TRADE for act in ("cancel", "confirm", "accept")},
        "trade.send": {**_TRADE, "package_root": _DIGEST, "package_size": 4096, "notice": _DIGEST},
        "trade.relay": {**_TRADE, "package_root": _DIGEST, "completed_at": times.to_text(NOW_MS)},
        "trade.ack": {**_TRADE, "verdict": "match", "notice": _DIGEST},
        "trade.check": {**_TRADE, "result": "match"},
        "trade.dispute": {**_TRADE, "reason": "mismatch"},
        "trade.open": {**_TRADE, "opening": _DIGEST, "substitute_opening": _DIGEST},
        "trade.remedy": {**_TRADE, "package_root": _DIGEST, "package_size": 4096, "notice": _DIGEST},
        "trade.decide": {**_TRADE, "decision": "faulty", "reasons": _DIGEST},
        "claim.open": {**_LISTING, "deposit": "1000", "evidence": _DIGEST},
        "claim.answer": {**_CLAIM, "deposit": "1000", "evidence": _DIGEST},
        "claim.decide": {**_CLAIM, "decision": "owner", "reasons": _DIGEST},
        "board.anchor": {"size": 3, "root": _DIGEST, "proof": [_DIGEST] * 3},
    }


def decoder() -> Decoder:
    """Return the decoder of intents."""
    good = parameters()
    assert set(good) == set(actions.PARAMS), "every action is fuzzed"
    payloads = [
        spell(
            {
                "action": action,
                "expires_at": times.to_text(NOW_MS + 300_000),
                "issued_at": times.to_text(NOW_MS),
                "market": MARKET,
                "nonce": b64u(digest(action.encode()).encode()[:16]),
                "params": params,
            }
        )
        for action, params in good.items()
    ]

    def make(random: Random) -> str:
        return tokens.change(random, SELLER, intents.TYP, payloads)

    return Decoder(make, _read, (MarketError,))


def _read(token: str) -> None:
    intent = intents.parse(token, market=MARKET)
    if intent.action == "market.propose":
        market_rules.check(market.parse(intent.params["config"]))
    intents.check_time(intent, NOW_MS, longest_s=86_400)

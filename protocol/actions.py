"""The parameters of each action that an intent can ask for: a table, read by chaincode, gateway and clients.

An intent binds whatever its signer cares for: price, offer version, commitments, keys, deadlines. Coin ids are not
parameters: a gateway picks them, and the chaincode checks that they are the signer's and none superfluous.
"""

from collections.abc import Mapping
from typing import Any

from countermark.protocol import fields
from countermark.protocol.claims import Claimed
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MAX_VERSION, YEAR_S, MarketConfig
from countermark.protocol.transitions import TRADE_CLOCKS, Decision

_SECONDS = fields.integer(1, YEAR_S)
DEADLINES = fields.nested(dict.fromkeys(TRADE_CLOCKS, _SECONDS))
OFFER = fields.nested({"right": fields.choice("ownership"), "price": fields.amount, "deadlines": DEADLINES})
_LISTING: Mapping[str, fields.Parser] = {"listing": fields.listing}
_TRADE: Mapping[str, fields.Parser] = {"trade": fields.trade}
_CLAIM: Mapping[str, fields.Parser] = {"claim": fields.claim}
_PACKAGE: Mapping[str, fields.Parser] = {
    "package_root": fields.digest,
    "package_size": fields.integer(1, 1 << 50),
    "notice": fields.digest,
}

PARAMS: Mapping[str, Mapping[str, fields.Parser]] = {
    "intent.cancel": {"nonce": fields.nonce},
    "market.propose": {"config": lambda value: value},
    "market.approve": {"version": fields.integer(2, MAX_VERSION), "digest": fields.digest},
    "account.open": {
        "encryption_key": fields.first_encryption_key,
        "recovery": fields.optional(fields.address),
        "sponsor": fields.optional(fields.segment),
    },
    "account.rotate_encryption_key": {"encryption_key": fields.encryption_key},
    "account.freeze": {"account": fields.address},
    "account.release": {"account": fields.address},
    "account.recover": {"account": fields.address},
    "account.veto": {"account": fields.address},
    "coin.mint": {"to": fields.address, "amount": fields.amount, "reference": fields.segment},
    "coin.transfer": {"to": fields.address, "amount": fields.amount},
    "coin.redeem": {"issuer": fields.segment, "amount": fields.amount},
    "coin.burn": {"redemption": fields.text(80)},
    "listing.create": {
        "c_f": fields.digest,
        "c_d": fields.digest,
        "c_exact": fields.digest,
        "items": fields.integer(1, 1_000_000),
        "generator": fields.name,
        "offer": OFFER,
    },
    "listing.charge": {**_LISTING, "amount": fields.amount_or_zero},
    "listing.offer": {**_LISTING, "offer": OFFER},
    "listing.withdraw": _LISTING,
    "listing.relist": {**_LISTING, "offer": OFFER},
    "listing.hold": _LISTING,
    "listing.release": _LISTING,
    "listing.erase": _LISTING,
    "trade.pay": {
        **_LISTING,
        "offer_version": fields.integer(1, 2**31),
        "price": fields.amount,
        "bond": fields.amount_or_zero,
        "c_d": fields.digest,
        "pk_t": fields.public_key,
        "deadlines": DEADLINES,
    },
    "trade.charge": {**_TRADE, "fee": fields.amount_or_zero, "bond": fields.amount_or_zero},
    "trade.cancel": _TRADE,
    "trade.send": {**_TRADE, **_PACKAGE},
    "trade.relay": {**_TRADE, "package_root": fields.digest, "completed_at": fields.time},
    "trade.ack": {**_TRADE, "verdict": fields.choice("match", "altered", "bad"), "notice": fields.digest},
    "trade.check": {**_TRADE, "result": fields.choice("match", "mismatch")},
    "trade.confirm": _TRADE,
    "trade.accept": _TRADE,
    "trade.dispute": {**_TRADE, "reason": fields.choice("undecryptable", "unavailable", "mismatch")},
    "trade.open": {**_TRADE, "opening": fields.digest, "substitute_opening": fields.digest},
    "trade.remedy": {**_TRADE, **_PACKAGE},
    "trade.decide": {**_TRADE, "decision": fields.choice(*Decision), "reasons": fields.digest},
    "claim.open": {**_LISTING, "deposit": fields.amount_or_zero, "evidence": fields.digest},
    "claim.answer": {**_CLAIM, "deposit": fields.amount_or_zero, "evidence": fields.digest},
    "claim.decide": {
        **_CLAIM,
        "decision": fields.choice(Claimed.CLAIMANT, Claimed.OWNER),
        "reasons": fields.digest,
    },
    "board.anchor": {
        "size": fields.integer(1, 2**53 - 1),
        "root": fields.digest,
        "proof": fields.sequence(fields.digest, longest=128),
    },
}

MONEY_ACTIONS: frozenset[str] = frozenset(
    {
        *("coin.mint", "coin.transfer", "coin.redeem", "coin.burn", "listing.charge", "account.recover"),
        *("trade.pay", "trade.charge", "trade.cancel", "trade.confirm", "trade.accept", "trade.decide"),
        *("claim.open", "claim.answer", "claim.decide"),
    }
)
"""Actions that spend or make coins, an escrow's at the end of a trade among them: their intents live at most ten
minutes, or less where the market says so."""


def longest_s(action: str, config: MarketConfig) -> int:
    """Return how long an intent for ``action`` may live on the market of ``config``, in seconds."""
    return config.money_intent_s if action in MONEY_ACTIONS else config.intent_s


def check(action: object, params: object) -> tuple[str, dict[str, Any]]:
    """Return ``action`` and its parsed parameters; amounts stay decimal strings.

    Raises:
        MarketError: WRONG_ACTION for an unknown action; MALFORMED_INTENT or a field's own code.
    """
    if not isinstance(action, str) or action not in PARAMS:
        raise MarketError(ErrorCode.WRONG_ACTION, "no action has such a name")
    return action, fields.record(params, PARAMS[action], code=ErrorCode.MALFORMED_INTENT)

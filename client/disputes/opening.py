"""The buyer's evidence: his one-time key, sealed to the arbiter of the trade and to his substitute (D-6).

Their keys are those that the market configuration had at payment: whoever could name others would read the data.
"""

from collections.abc import Mapping
from typing import Any

from countermark.client import promises
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.market import Done, Market
from countermark.client.unanswered import Posting
from countermark.client.vault import Vault
from countermark.protocol import canonical, fields, sealed
from countermark.protocol.encoding import b64u, digest, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import PRIVATE_KEY_BYTES, EncryptionKey

KIND = "opening"

_JUDGES = ("arbiter", "substitute")
_KEPT = "openings"
_OPENING: Mapping[str, fields.Parser] = {"trade": fields.trade, "key": fields.binary(PRIVATE_KEY_BYTES)}


def open_key(market: Market, vault: Vault, trade: dict[str, Any]) -> Done:
    """Hand the trade's one-time key to arbiter and substitute, sealed to each; only digests go on the ledger.

    With the key an arbiter can decrypt exactly what the buyer could, and no other trade's package.

    Raises:
        ClientError: the key is not in this home, the market had no such arbiter, or a rule of the market refuses.
    """
    promise = promises.recall(vault, trade["id"])
    plaintext = canonical.dumps({"trade": trade["id"], "key": b64u(promise.key.to_bytes())})

    def make() -> Posting:
        openings = {}
        for judge in _JUDGES:
            key = promise.key_of(trade.get(judge))
            openings[judge] = sealed.seal(
                key["key"], plaintext, kind=KIND, market=market.name, key_version=key["version"]
            )
        # Whoever decides may have to get it of the buyer himself.
        vault.put(_KEPT, trade["id"], openings)
        params = {
            "trade": trade["id"],
            "opening": digest(canonical.dumps(openings["arbiter"])),
            "substitute_opening": digest(canonical.dumps(openings["substitute"])),
        }
        body = {"intent": market.sign("trade.open", params), "openings": openings}
        return market.posting(f"/v1/trades/{trade['id']}/opening", body, entity=trade["id"])

    return market.perform(("trade.open", trade["id"]), make)


def handed_over(vault: Vault, trade: dict[str, Any]) -> bytes:
    """Return the opening of ``trade`` for the one who decides now, as a file that the buyer can send him himself.

    Raises:
        ClientError: nothing was opened from this home, or nobody decides now.
    """
    openings = vault.get(_KEPT, trade["id"])
    if openings is None or trade.get("decider") not in openings:
        raise ClientError(REFUSED_HERE, "no opening of this trade is in this home, or nobody decides it now")
    return canonical.dumps(openings[trade["decider"]])


def read(keys: Mapping[int, EncryptionKey], opening: object, *, trade: str, market: str) -> EncryptionKey:
    """Return the one-time key of ``trade`` in an ``opening`` that was sealed to one of ``keys``, by version.

    Raises:
        MarketError: it is sealed to others or for another purpose, or is none of this trade.
    """
    plaintext = sealed.open_sealed(keys, opening, kind=KIND, market=market)
    record = fields.record(canonical.loads(plaintext), _OPENING)
    if record["trade"] != trade:
        raise MarketError(ErrorCode.SEALED_MALFORMED, "the opening is for another trade")
    return EncryptionKey.from_bytes(unb64u(record["key"]))

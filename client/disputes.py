"""The buyer's evidence: his one-time key, sealed to the arbiter of the trade and to his substitute (D-6).

Their keys are those that the market configuration had at payment: whoever could name others would read the data.
"""

from typing import Any

from countermark.client import promises
from countermark.client.market import Done, Market
from countermark.client.unanswered import Posting
from countermark.client.vault import Vault
from countermark.protocol import canonical, sealed
from countermark.protocol.encoding import b64u, digest

KIND = "opening"


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
        for judge in ("arbiter", "substitute"):
            key = promise.key_of(trade.get(judge))
            openings[judge] = sealed.seal(
                key["key"], plaintext, kind=KIND, market=market.name, key_version=key["version"]
            )
        params = {
            "trade": trade["id"],
            "opening": digest(canonical.dumps(openings["arbiter"])),
            "substitute_opening": digest(canonical.dumps(openings["substitute"])),
        }
        body = {"intent": market.sign("trade.open", params), "openings": openings}
        return market.posting(f"/v1/trades/{trade['id']}/opening", body, entity=trade["id"])

    return market.perform(("trade.open", trade["id"]), make)

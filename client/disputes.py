"""The buyer's evidence: his one-time key, sealed to the arbiter of the trade and to his substitute (D-6)."""

from typing import Any

from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.market import Done, Market
from countermark.client.vault import Vault
from countermark.protocol import canonical, sealed
from countermark.protocol.encoding import digest

KIND = "opening"


def open_key(market: Market, vault: Vault, trade: dict[str, Any]) -> Done:
    """Hand the trade's one-time key to arbiter and substitute, sealed to each; only digests go on the ledger.

    With the key an arbiter can decrypt exactly what the buyer could, and no other trade's package.

    Raises:
        ClientError: the key is not in this home, or a rule of the market refuses.
    """
    record = vault.get("trades", trade["id"])
    if record is None:
        raise ClientError(REFUSED_HERE, "the one-time key of this trade is not in this home")
    plaintext = canonical.dumps({"trade": trade["id"], "key": record["key"]})
    openings = {}
    for judge in ("arbiter", "substitute"):
        key = trade[judge]["encryption_key"]
        openings[judge] = sealed.seal(
            key["key"], plaintext, kind=KIND, market=market.name, key_version=key["version"]
        )
    params = {
        "trade": trade["id"],
        "opening": digest(canonical.dumps(openings["arbiter"])),
        "substitute_opening": digest(canonical.dumps(openings["substitute"])),
    }
    body = {"intent": market.sign("trade.open", params), "openings": openings}
    return market.post(f"/v1/trades/{trade['id']}/opening", body)

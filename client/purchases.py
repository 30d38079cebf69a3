"""The buyer's acts in a trade: pay (11), acknowledge (20), confirm (23) or say what is wrong."""

from collections.abc import Callable
from typing import Any

from countermark.client import promises, trades
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.keystore import Keys
from countermark.client.listings import Held, remember
from countermark.client.market import Done, Market
from countermark.client.notices import submit
from countermark.client.promises import Promise
from countermark.client.receiving import Received
from countermark.client.searches import show
from countermark.client.unanswered import Posting
from countermark.client.vault import Vault
from countermark.protocol import ids
from countermark.protocol.errors import ErrorCode
from countermark.protocol.intents import new_nonce
from countermark.protocol.sealed import EncryptionKey
from countermark.protocol.transitions import ListingState, TradeState


def buy(market: Market, vault: Vault, listing: str, *, max_price: int | None = None) -> Done:
    """Pay for the ownership of ``listing`` into its contract and return the transaction that made the trade (11).

    The intent binds price, offer version, description and a one-time key made for this trade, whose private half is
    stored before anything is sent, with what was promised. Who has paid already is told his trade.

    Raises:
        ClientError: the price is above ``max_price`` (minor units), or a rule of the market refuses.
    """

    def make() -> Posting | Done:
        resource = show(market, listing)
        if resource["state"] == ListingState.RESERVED:
            paid = _running(market, vault, listing)
            if paid is not None:
                return paid
        if resource["description"] is None:
            raise ClientError(ErrorCode.NOT_FOR_SALE, "the listing was erased")
        offer = resource["offer"]
        if max_price is not None and int(offer["price"]) > max_price:
            raise ClientError(REFUSED_HERE, f"the price is {offer['price']}, above the limit given")
        nonce = new_nonce()
        trade = ids.trade_id(market=market.name, listing=listing, buyer=market.address, nonce=nonce)
        one_time = EncryptionKey.generate()
        params = {
            "listing": listing,
            "offer_version": offer["version"],
            "price": offer["price"],
            "bond": str(market.config.bond),
            "c_d": resource["c_d"],
            "pk_t": one_time.public,
            "deadlines": offer["deadlines"],
        }
        intent = market.sign("trade.pay", params, nonce=nonce)
        if not market.dry_run:
            Promise.of(one_time, resource, market.config).keep(vault, trade)
        return market.posting("/v1/trades", {"intent": intent}, entity=trade)

    return market.perform(("trade.pay", listing), make).with_id()


def _running(market: Market, vault: Vault, listing: str) -> Done | None:
    """Return the payment of this account that reserves ``listing``, if it is his."""
    for trade in vault.names(promises.KIND):
        record = vault.get(promises.KIND, trade)
        if record is None or record["listing"] != listing:
            continue
        try:
            resource = trades.show(market, trade)
        except ClientError as error:
            if error.code == ErrorCode.UNKNOWN_TRADE:
                continue
            raise
        if resource["buyer"] == market.address and not TradeState(resource["state"]).final:
            steps = resource.get("history") or [{}]
            return Done(str(steps[0].get("txid", "")), {"state": resource["state"]}, entity=trade, resumed=True)
    return None


def hold(market: Market, vault: Vault, trade: dict[str, Any], received: Received) -> None:
    """Remember data that match as those of the contract: the new owner needs the salts when he sells in turn."""
    if received.verdict == "match" and not market.dry_run:
        salts = received.salts
        remember(vault, trade["listing"], Held(received.path, received.generators, salts.salt_f, salts.salt_exact))


def acknowledge(market: Market, keys: Keys, vault: Vault, trade: dict[str, Any], received: Received) -> Done:
    """Send the buyer's notice with the fingerprint of what he received, and his verdict (step 20)."""
    hold(market, vault, trade, received)
    return submit(
        market,
        keys,
        vault,
        trade,
        root=received.root,
        verdict=received.verdict,
        resource="acknowledgement",
        action="trade.ack",
        params={"trade": trade["id"], "verdict": received.verdict},
    )


def _simple(function: str, resource: str) -> Callable[[Market, str], Done]:
    def act(market: Market, trade: str) -> Done:
        return market.act(f"/v1/trades/{trade}/{resource}", function, {"trade": trade})

    act.__doc__ = f"Ask for ``{function}`` on a trade and return its transaction."
    return act


confirm = _simple("trade.confirm", "confirmation")
accept = _simple("trade.accept", "acceptance")


def dispute(market: Market, trade: str, reason: str) -> Done:
    """Open a dispute for ``reason``; the buyer must then open his one-time key to the arbiter."""
    return market.act(f"/v1/trades/{trade}/dispute", "trade.dispute", {"trade": trade, "reason": reason})

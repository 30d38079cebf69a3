"""The buyer's side of a trade: pay (11), receive and check (18-20), confirm (23) or say what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from countermark.client.data import examine
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import replacing
from countermark.client.keystore import Keys
from countermark.client.listings import Held, remember
from countermark.client.market import Done, Market
from countermark.client.notices import submit
from countermark.client.searches import show
from countermark.client.transfers import Progress, download
from countermark.client.vault import Vault
from countermark.protocol import ids
from countermark.protocol.commitments import commit
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import new_nonce
from countermark.protocol.notices import Verdict
from countermark.protocol.packages import PackageHeader, PackageSalts, open_package
from countermark.protocol.sealed import EncryptionKey


def buy(market: Market, vault: Vault, listing: str, *, longest_price: int | None = None) -> Done:
    """Pay for the ownership of ``listing`` into its contract and return the transaction that made the trade (11).

    The intent binds price, offer version, description and a one-time key made for this trade, whose private half is
    stored before anything is sent.

    Raises:
        ClientError: the price is above ``longest_price`` (minor units), or a rule of the market refuses.
    """
    resource = show(market, listing)
    offer = resource["offer"]
    if longest_price is not None and int(offer["price"]) > longest_price:
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
        record = {"key": b64u(one_time.to_bytes()), "listing": listing, "generator": resource["generator"]}
        vault.put("trades", trade, record)
    return market.post("/v1/trades", {"intent": intent}).about(trade)


@dataclass(frozen=True)
class Received:
    """Data that was fetched and opened: where it lies, how it compares with the contract, its fingerprint root."""

    path: Path
    verdict: Verdict
    """``match``: bytes and fingerprint are the committed ones; ``altered``: the latter only; ``bad``: neither."""
    root: bytes
    salts: PackageSalts
    generator: str


def fetch(market: Market, vault: Vault, trade: dict[str, Any], out: Path, progress: Progress) -> Received:
    """Download, decrypt and examine the data of ``trade`` (a trade resource) and store it as ``out`` (18, 19).

    Nothing appears under the name ``out`` before the package's last byte was authenticated.

    Raises:
        ClientError: the package is not there, is not the one that the seller committed to, or does not open.
    """
    record = vault.get("trades", trade["id"])
    if record is None:
        raise ClientError(REFUSED_HERE, "the one-time key of this trade is not in this home")
    if trade["package"] is None:
        raise ClientError(ErrorCode.WRONG_STATE, f"nothing was sent yet; the trade is {trade['state']}")
    key = EncryptionKey.from_bytes(unb64u(record["key"]))
    header = PackageHeader(trade["id"], trade["buyer"], trade["seller"], trade["listing"])
    package = out.with_name(f".{out.name}.{trade['id']}.package")
    download(market.http, f"/v1/trades/{trade['id']}/package", package, trade["package"]["size"], progress)
    try:
        with package.open("rb") as source, replacing(out) as plain:
            salts = open_package(source, plain, header=header, root=trade["package"]["root"], key=key)
    except MarketError as error:
        raise ClientError(str(error.code), error.detail) from error
    finally:
        # A package that fails to open is fetched anew: what is wrong with it may be this copy alone.
        package.unlink(missing_ok=True)
    verdict, root = _examine(trade, out, salts, record["generator"])
    return Received(out, verdict, root, salts, record["generator"])


def _examine(trade: dict[str, Any], path: Path, salts: PackageSalts, generator: str) -> tuple[Verdict, bytes]:
    try:
        data = examine(path, generator)
    except ClientError as error:
        if error.code == REFUSED_HERE:
            # That this machine cannot read it says nothing of what was sent.
            raise
        # What has no fingerprint is not what was sold; the notice then carries the digest of what came instead.
        return "bad", _digest_of(path)
    if commit("f", salts.salt_f, data.root) != trade["c_f"]:
        return "bad", data.root
    same_bytes = commit("exact", salts.salt_exact, data.exact) == trade["c_exact"]
    return ("match" if same_bytes else "altered"), data.root


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


def acknowledge(market: Market, keys: Keys, vault: Vault, trade: dict[str, Any], received: Received) -> Done:
    """Send the buyer's notice with the fingerprint of what he received, and his verdict (step 20)."""
    if received.verdict == "match" and not market.dry_run:
        # The new owner needs the salts when he sells in turn (steps 9-24 only).
        salts = received.salts
        remember(vault, trade["listing"], Held(received.path, received.generator, salts.salt_f, salts.salt_exact))
    return submit(
        market,
        keys,
        vault,
        trade,
        root=received.root,
        verdict=received.verdict,
        resource="acknowledgement",
        intent=lambda digest: market.sign(
            "trade.ack", {"trade": trade["id"], "verdict": received.verdict, "notice": digest}
        ),
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

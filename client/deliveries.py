"""The seller's side of a trade: accept and pay the fee (12), encrypt (13), send with his notice (14-16).

In a dispute that waits for its decision he may send once more, the remedy: in the same way, by another action.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countermark.client import trades
from countermark.client.data import only
from countermark.client.errors import GATEWAY_ANSWER, ClientError
from countermark.client.examining import examine
from countermark.client.files import private_folder
from countermark.client.keystore import Keys
from countermark.client.listings import recall
from countermark.client.market import PENDING, Done, Market
from countermark.client.notices import act, finish, submit
from countermark.client.sealing import measure_package, seal_data
from countermark.client.transfers import Progress, no_progress, upload
from countermark.client.vault import Vault
from countermark.protocol import ids, intents
from countermark.protocol.commitments import commit
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import TradeState


def charge(market: Market, trade: dict[str, Any]) -> Done:
    """Pay transaction fee and bond into the contract, which accepts the sale (step 12)."""
    params = {"trade": trade["id"], "fee": trade["fee"], "bond": trade["bond"]}
    return market.act(f"/v1/trades/{trade['id']}/charge", "trade.charge", params)


def cancel(market: Market, trade: str) -> Done:
    """Give the sale up before anything was sent; from FUNDED on this costs the seller's bond."""
    return market.act(f"/v1/trades/{trade}/cancellation", "trade.cancel", {"trade": trade})


@dataclass(frozen=True)
class Delivery:
    """How one of the two packages of a trade is handed over.

    Attributes:
        action: commits to it on the ledger.
        resource: of the trade, where the action is asked for.
        package: of the trade, where the bytes go and come from.
        committed: the trade's member that says what the ledger has of it.
        begins: the state in which it is committed to.
        uploads: the state in which the relay waits for the bytes then.
        suffix: of the file in which it waits on this machine.
    """

    action: str
    resource: str
    package: str
    committed: str
    begins: TradeState
    uploads: TradeState
    suffix: str


FIRST = Delivery(
    action="trade.send",
    resource="notices",
    package="package",
    committed="package",
    begins=TradeState.FUNDED,
    uploads=TradeState.UPLOADED,
    suffix=".package",
)
REMEDY = Delivery(
    action="trade.remedy",
    resource="remedy",
    package="remedy/package",
    committed="remedy",
    begins=TradeState.EVIDENCED,
    uploads=TradeState.EVIDENCED,
    suffix=".remedy",
)


def package_file(packages: Path, trade: str, delivery: Delivery = FIRST) -> Path:
    """Return where in the folder ``packages`` a package of ``trade`` waits until it has left."""
    return packages / f"{trade}{delivery.suffix}"


def send(
    market: Market,
    keys: Keys,
    vault: Vault,
    trade: dict[str, Any],
    packages: Path,
    path: Path | None = None,
    progress: Progress = no_progress,
    *,
    delivery: Delivery = FIRST,
) -> Done | None:
    """Encrypt the data of ``trade`` (a trade resource) to its one-time key and hand it to the relay (steps 13-16).

    Returns:
        What `commit_package` returns.

    Raises:
        ClientError: as `commit_package`; or the upload broke off, which the next send goes on with.
    """
    done = commit_package(market, keys, vault, trade, packages, path, delivery=delivery)
    if may_upload(market, done):
        upload_package(market, trade, packages, progress, delivery=delivery)
    return done


def commit_package(
    market: Market,
    keys: Keys,
    vault: Vault,
    trade: dict[str, Any],
    packages: Path,
    path: Path | None = None,
    *,
    delivery: Delivery = FIRST,
) -> Done | None:
    """Encrypt the data of ``trade`` and commit to package and notice on the ledger, before a byte is uploaded.

    ``packages`` is the folder where the package waits until it was relayed; ``path`` names the data when it is no
    longer where the listing was made from. A send that was cut off goes on with the package that it made, because
    each package has another root and only one can be committed to; the result is None when that was on the ledger
    already.

    Raises:
        ClientError: the data is not what was registered, cannot be read, or a rule of the market refuses.
    """
    package = package_file(private_folder(packages), trade["id"], delivery)
    if _awaited(trade, delivery):
        _check_committed(package, trade, delivery)
        # The ledger has it. The platform has the notice for certain only if it has answered.
        finish(market, vault, trade["id"], action=delivery.action)
        return None
    if trade["state"] != delivery.begins:
        raise ClientError(ErrorCode.WRONG_STATE, f"nothing is sent by {delivery.action} in state {trade['state']}")
    if trade.get(delivery.committed) is not None:
        raise ClientError(ErrorCode.WRONG_STATE, "the remedy was relayed, and there is no second one")
    if not package.exists():
        # What it would commit to is lost.
        market.forget(*act(delivery.action, trade["id"]))
    return _commit(market, keys, vault, trade, package, path, delivery)


def may_upload(market: Market, done: Done | None) -> bool:
    """Return whether the package that `commit_package` spoke of is on the ledger."""
    return not market.dry_run and (done is None or done.result.get("state") != PENDING)


def upload_package(
    market: Market,
    trade: dict[str, Any],
    packages: Path,
    progress: Progress = no_progress,
    *,
    delivery: Delivery = FIRST,
) -> None:
    """Hand the package of ``trade``, which was committed to, to the relay, from where an earlier upload stopped.

    It stays where it is until the relay has it whole and has said so on the ledger (`sweep`).

    Raises:
        ClientError: the upload broke off, or is refused.
    """
    resource = f"/v1/trades/{trade['id']}/{delivery.package}"
    upload(market.http, resource, package_file(packages, trade["id"], delivery), progress)


def sweep(market: Market, packages: Path) -> None:
    """Remove the packages in the folder ``packages`` of trades that have ended: nobody will ask for them any more.

    Until then whoever decides a dispute may have to get one of its seller: it cannot be made again.

    Raises:
        ClientError: the gateway cannot be reached.
    """
    waiting = [path for delivery in (FIRST, REMEDY) for path in sorted(packages.glob(f"tr1*{delivery.suffix}"))]
    for package in waiting:
        try:
            trade = trades.show(market, package.stem)
        except (ClientError, MarketError) as error:
            if error.code == ErrorCode.UNKNOWN_TRADE:
                continue  # another account's of this home
            raise
        if TradeState(trade["state"]).final:
            package.unlink()


def is_relayed(trade: dict[str, Any], delivery: Delivery) -> bool:
    """Return whether the platform has certified a remedy; of the first package the state of ``trade`` tells it."""
    return bool((trade.get(delivery.committed) or {}).get("relayed_at"))


def _awaited(trade: dict[str, Any], delivery: Delivery) -> bool:
    """Return whether the package of ``delivery`` is committed to on the ledger, and not relayed yet."""
    committed = trade["state"] == delivery.uploads and trade.get(delivery.committed) is not None
    return committed and not is_relayed(trade, delivery)


def _check_committed(package: Path, trade: dict[str, Any], delivery: Delivery) -> None:
    if not package.exists():
        raise ClientError(ErrorCode.WRONG_STATE, "the package was committed to, and has left or lies in another home")
    if measure_package(package, trade).root != trade[delivery.committed]["root"]:
        raise ClientError(ErrorCode.PACKAGE_ROOT_MISMATCH, f"{package} is not the package that was committed to")


def _commit(
    market: Market,
    keys: Keys,
    vault: Vault,
    trade: dict[str, Any],
    package: Path,
    path: Path | None,
    delivery: Delivery,
) -> Done:
    _check_payment(market, trade)
    held = recall(vault, trade["listing"])
    data = examine(path or held.path, only(held.generators), vault=vault)
    if commit("exact", held.salt_exact, data.exact) != trade["c_exact"]:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} is not the data that was registered")
    if market.dry_run:
        return Done("", {"dry_run": True, "trade": trade["id"]})
    # A package that waits here may be the one that a transaction without an answer commits to.
    summary = measure_package(package, trade) if package.exists() else seal_data(data, held, trade, package)
    params = {"trade": trade["id"], "package_root": summary.root, "package_size": summary.size}
    return submit(
        market,
        keys,
        vault,
        trade,
        root=data.root,
        verdict=None,
        resource=delivery.resource,
        action=delivery.action,
        params=params,
    )


def _check_payment(market: Market, trade: dict[str, Any]) -> None:
    """Check by the buyer's own signature that the one-time key is his: a gateway cannot put its own in its place."""
    try:
        token = market.http.get(f"/v1/trades/{trade['id']}/payment")["intent"]
        paid = intents.parse(token, market=market.name, action="trade.pay")
    except (MarketError, KeyError, TypeError) as error:
        raise ClientError(GATEWAY_ANSWER, "the gateway does not show the buyer's payment") from error
    made = ids.trade_id(market=market.name, listing=trade["listing"], buyer=paid.signer, nonce=paid.nonce)
    signed = (paid.signer, paid.params["listing"], paid.params["pk_t"], made)
    if signed != (trade["buyer"], trade["listing"], trade["pk_t"], trade["id"]):
        raise ClientError(
            ErrorCode.COMMITMENT_MISMATCH, "the buyer has signed another payment than the gateway shows"
        )

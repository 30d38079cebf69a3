"""The seller's side of a trade: accept and pay the fee (12), encrypt (13), send with his notice (14-16)."""

from pathlib import Path
from typing import Any

from countermark.client.data import examine
from countermark.client.errors import ClientError
from countermark.client.files import private_folder, replacing
from countermark.client.keystore import Keys
from countermark.client.listings import recall
from countermark.client.market import Done, Market
from countermark.client.notices import submit
from countermark.client.transfers import Progress, no_progress, upload
from countermark.client.vault import Vault
from countermark.protocol.commitments import commit
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode
from countermark.protocol.packages import PackageHeader, PackageSalts, seal_package
from countermark.protocol.transitions import TradeState


def charge(market: Market, trade: dict[str, Any]) -> Done:
    """Pay transaction fee and bond into the contract, which accepts the sale (step 12)."""
    params = {"trade": trade["id"], "fee": trade["fee"], "bond": trade["bond"]}
    return market.act(f"/v1/trades/{trade['id']}/charge", "trade.charge", params)


def cancel(market: Market, trade: str) -> Done:
    """Give the sale up before anything was sent; from FUNDED on this costs the seller's bond."""
    return market.act(f"/v1/trades/{trade}/cancellation", "trade.cancel", {"trade": trade})


def send(
    market: Market,
    keys: Keys,
    vault: Vault,
    trade: dict[str, Any],
    packages: Path,
    path: Path | None = None,
    progress: Progress = no_progress,
) -> Done | None:
    """Encrypt the data of ``trade`` (a trade resource) to its one-time key and hand it to the relay (steps 13-16).

    ``packages`` is the folder where the package waits until it has left; ``path`` names the data when it is no longer
    where the listing was made from. The commitment to package and notice is on the ledger before the first byte is
    uploaded. A send that was cut off goes on with the package that it committed to; the result is then None.

    Raises:
        ClientError: the data is not what was registered, cannot be read, or a rule of the market refuses.
    """
    package = private_folder(packages) / f"{trade['id']}.package"
    done = None
    if trade["state"] != TradeState.UPLOADED or not package.exists():
        done = _commit(market, keys, vault, trade, package, path)
    upload(market.http, f"/v1/trades/{trade['id']}/package", package, progress)
    package.unlink()
    return done


def _commit(
    market: Market, keys: Keys, vault: Vault, trade: dict[str, Any], package: Path, path: Path | None
) -> Done:
    record = recall(vault, trade["listing"])
    data = examine(path or Path(record["path"]), market.config.preferred)
    salts = PackageSalts(salt_f=unb64u(record["salt_f"]), salt_exact=unb64u(record["salt_exact"]))
    if commit("exact", salts.salt_exact, data.exact) != trade["c_exact"]:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} is not the data that was registered")
    header = PackageHeader(trade["id"], trade["buyer"], trade["seller"], trade["listing"])
    with data.path.open("rb") as source, replacing(package) as out:
        summary = seal_package(source, out, header=header, recipient=trade["pk_t"], salts=salts, size=data.size)
    params = {"trade": trade["id"], "package_root": summary.root, "package_size": summary.size}
    return submit(
        market,
        keys,
        vault,
        trade,
        root=data.root,
        verdict=None,
        resource="notices",
        intent=lambda digest: market.sign("trade.send", {**params, "notice": digest}),
    )

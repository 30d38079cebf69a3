"""The seller's side of a trade: accept and pay the fee (12), encrypt (13), send with his notice (14-16)."""

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

from countermark.client import trades
from countermark.client.data import Data, only
from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.examining import examine
from countermark.client.files import private_folder, replacing
from countermark.client.keystore import Keys
from countermark.client.listings import Held, recall
from countermark.client.market import PENDING, Done, Market
from countermark.client.notices import act, finish, submit
from countermark.client.packing import packed
from countermark.client.transfers import Progress, no_progress, upload
from countermark.client.vault import Vault
from countermark.protocol import ids, intents
from countermark.protocol.commitments import commit
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.packages import PackageHeader, PackageSalts, PackageSummary, measure, seal_package
from countermark.protocol.transitions import TradeState


def charge(market: Market, trade: dict[str, Any]) -> Done:
    """Pay transaction fee and bond into the contract, which accepts the sale (step 12)."""
    params = {"trade": trade["id"], "fee": trade["fee"], "bond": trade["bond"]}
    return market.act(f"/v1/trades/{trade['id']}/charge", "trade.charge", params)


def cancel(market: Market, trade: str) -> Done:
    """Give the sale up before anything was sent; from FUNDED on this costs the seller's bond."""
    return market.act(f"/v1/trades/{trade}/cancellation", "trade.cancel", {"trade": trade})


def package_file(packages: Path, trade: str) -> Path:
    """Return where in the folder ``packages`` the package of ``trade`` waits until it has left."""
    return packages / f"{trade}.package"


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

    Returns:
        What `commit_package` returns.

    Raises:
        ClientError: as `commit_package`; or the upload broke off, which the next send goes on with.
    """
    done = commit_package(market, keys, vault, trade, packages, path)
    if may_upload(market, done):
        upload_package(market, trade, packages, progress)
    return done


def commit_package(
    market: Market, keys: Keys, vault: Vault, trade: dict[str, Any], packages: Path, path: Path | None = None
) -> Done | None:
    """Encrypt the data of ``trade`` and commit to package and notice on the ledger, before a byte is uploaded.

    ``packages`` is the folder where the package waits until it was relayed; ``path`` names the data when it is no
    longer where the listing was made from. A send that was cut off goes on with the package that it made, because
    each package has another root and only one can be committed to; the result is None when that was on the ledger
    already.

    Raises:
        ClientError: the data is not what was registered, cannot be read, or a rule of the market refuses.
    """
    package = package_file(private_folder(packages), trade["id"])
    if trade["state"] == TradeState.UPLOADED:
        _check_committed(package, trade)
        # The ledger has it. The platform has the notice for certain only if it has answered.
        finish(market, vault, trade["id"], action="trade.send", role="seller")
        return None
    if trade["state"] != TradeState.FUNDED:
        raise ClientError(ErrorCode.WRONG_STATE, f"nothing is sent in state {trade['state']}")
    if not package.exists():
        # What it would commit to is lost.
        market.forget(*act("trade.send", trade["id"]))
    return _commit(market, keys, vault, trade, package, path)


def may_upload(market: Market, done: Done | None) -> bool:
    """Return whether the package that `commit_package` spoke of is on the ledger."""
    return not market.dry_run and (done is None or done.result.get("state") != PENDING)


def upload_package(market: Market, trade: dict[str, Any], packages: Path, progress: Progress = no_progress) -> None:
    """Hand the package of ``trade``, which was committed to, to the relay, from where an earlier upload stopped.

    It stays where it is until the relay has it whole and has said so on the ledger (`sweep`).

    Raises:
        ClientError: the upload broke off, or is refused.
    """
    upload(market.http, f"/v1/trades/{trade['id']}/package", package_file(packages, trade["id"]), progress)


def sweep(market: Market, packages: Path) -> None:
    """Remove the packages in the folder ``packages`` that nobody will ask for any more: those that were relayed.

    Raises:
        ClientError: the gateway cannot be reached.
    """
    for package in sorted(packages.glob("tr1*.package")) if packages.is_dir() else ():
        try:
            state = TradeState(trades.show(market, package.stem)["state"])
        except (ClientError, MarketError) as error:
            if error.code == ErrorCode.UNKNOWN_TRADE:
                continue  # another account's of this home
            raise
        if state not in (TradeState.PAID, TradeState.FUNDED, TradeState.UPLOADED):
            package.unlink()


def _check_committed(package: Path, trade: dict[str, Any]) -> None:
    if not package.exists():
        raise ClientError(ErrorCode.WRONG_STATE, "the package was committed to, and has left or lies in another home")
    if _measure(package, trade).root != trade["package"]["root"]:
        raise ClientError(ErrorCode.PACKAGE_ROOT_MISMATCH, f"{package} is not the package that was committed to")


def _commit(
    market: Market, keys: Keys, vault: Vault, trade: dict[str, Any], package: Path, path: Path | None
) -> Done:
    _check_payment(market, trade)
    held = recall(vault, trade["listing"])
    data = examine(path or held.path, only(held.generators), vault=vault)
    if commit("exact", held.salt_exact, data.exact) != trade["c_exact"]:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} is not the data that was registered")
    if market.dry_run:
        return Done("", {"dry_run": True, "trade": trade["id"]})
    # A package that waits here may be the one that a transaction without an answer commits to.
    summary = _measure(package, trade) if package.exists() else _seal(data, held, trade, package)
    params = {"trade": trade["id"], "package_root": summary.root, "package_size": summary.size}
    return submit(
        market,
        keys,
        vault,
        trade,
        root=data.root,
        verdict=None,
        resource="notices",
        action="trade.send",
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


def _header(trade: dict[str, Any]) -> PackageHeader:
    return PackageHeader(trade["id"], trade["buyer"], trade["seller"], trade["listing"])


def _measure(package: Path, trade: dict[str, Any]) -> PackageSummary:
    try:
        with package.open("rb") as file:
            return measure(file, header=_header(trade))
    except MarketError as error:
        raise ClientError(REFUSED_HERE, f"{package} is no package of this trade: {error}") from error


def _seal(data: Data, held: Held, trade: dict[str, Any], package: Path) -> PackageSummary:
    salts = PackageSalts(salt_f=held.salt_f, salt_exact=held.salt_exact)
    with (
        packed(data, package.with_suffix(".zip")) as path,
        path.open("rb") as file,
        replacing(package) as out,
    ):
        source = _Hashing(file)
        try:
            summary = seal_package(
                source,  # type: ignore[arg-type]  # of a file, only read() is used
                out,
                header=_header(trade),
                recipient=trade["pk_t"],
                salts=salts,
                size=path.stat().st_size if data.files else data.size,
            )
        except MarketError as error:
            if error.code is not ErrorCode.PACKAGE_MALFORMED:
                raise
            raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} changes while it is read") from error
        # What is committed to must be what was examined, or the seller loses the dispute.
        if not data.files and source.digest != data.exact:
            raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{data.path} changes while it is read")
    return summary


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

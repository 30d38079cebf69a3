"""What whoever decides has to look at: the opening that is sealed to him, and the package that was relayed.

The platform keeps both. Where it does not give them, he gets them of the parties; digest and root on the ledger tell
whether they are the ones. That nobody has them is for him to say.
"""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from countermark.client.disputes import opening
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder
from countermark.client.keystore import Keys
from countermark.client.market import Market
from countermark.client.transfers import Progress, download, no_progress
from countermark.protocol import canonical, ids
from countermark.protocol.decisions import Finding
from countermark.protocol.encoding import digest
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.sealed import EncryptionKey
from countermark.protocol.transitions import TradeState

_LONGEST_OPENING = 1 << 16
_SUFFIX = ".evidence"


@dataclass(frozen=True)
class Case:
    """A trade that waits for a decision, as the decider's own replica of the ledger has it."""

    record: dict[str, Any]
    decider: str
    """``arbiter`` or ``substitute``: whose time runs."""

    @classmethod
    def of(cls, record: dict[str, Any], account: str) -> Self:
        """Return the case of a trade's ``record`` for ``account``.

        Raises:
            ClientError: it does not wait for a decision of that account.
        """
        decider = str(record["decider"])
        if record["state"] != TradeState.EVIDENCED:
            raise ClientError(ErrorCode.WRONG_STATE, f"nothing is decided in state {record['state']}")
        if record[decider]["account"] != account:
            raise ClientError(ErrorCode.WRONG_ACTOR, f"the {decider} decides, who is another account")
        return cls(record, decider)

    @property
    def trade(self) -> str:
        """The trade's id."""
        return str(self.record["id"])


@dataclass(frozen=True)
class Sources:
    """Where evidence comes from that the platform does not give; ``absent`` names what nobody has."""

    opening: Path | None = None
    package: Path | None = None
    absent: Set[str] = frozenset()


def find_key(market: Market, keys: Keys, case: Case, sources: Sources) -> EncryptionKey | Finding:
    """Return the trade's one-time key, or why there is none that counts.

    Raises:
        ClientError: the platform does not give the opening, and nobody has said that it is absent; or a file cannot
            be read, or is not the one that the buyer has committed to.
    """
    own = case.record[case.decider]["encryption_key"]
    held = keys.encryption.get(own["version"])
    if held is None or held.public != own["key"]:
        # Else what cannot be read here would count against the buyer.
        raise ClientError(REFUSED_HERE, "this home does not have the key to which openings of this trade are sealed")
    sealed = _opening(market, case, sources)
    if sealed is None:
        return Finding.NOT_OPENED
    try:
        key = opening.read(keys.encryption, sealed, trade=case.trade, market=market.name)
    except MarketError:
        return Finding.NOT_OPENED
    return key if key.public == case.record["pk_t"] else Finding.WRONG_KEY


def _opening(market: Market, case: Case, sources: Sources) -> object:
    """Return the sealed opening to which the buyer has committed, None if it is absent."""
    committed = case.record["openings"][case.decider]
    if sources.opening is not None:
        try:
            with sources.opening.open("rb") as file:
                handed = canonical.loads(file.read(_LONGEST_OPENING), canonical=False)
        except (OSError, MarketError) as error:
            raise ClientError(REFUSED_HERE, f"{sources.opening} holds no opening: {error}") from error
        if digest(canonical.dumps(handed)) != committed:
            raise ClientError(ErrorCode.COMMITMENT_MISMATCH, f"{sources.opening} is not what the buyer committed to")
        return handed
    if "opening" in sources.absent:
        return None
    given = market.http.get(f"/v1/trades/{case.trade}/opening").get("opening")
    if digest(canonical.dumps(given)) != committed:
        raise ClientError(ErrorCode.COMMITMENT_MISMATCH, "the platform gives another opening than was committed to")
    return given


def find_package(
    market: Market, case: Case, sources: Sources, folder: Path, progress: Progress = no_progress
) -> Path | None:
    """Return where the package lies that was relayed, fetched into ``folder`` if need be; None if it is absent.

    Raises:
        ClientError: the platform does not give it, and nobody has said that it is absent.
    """
    if sources.package is not None:
        return sources.package
    if "package" in sources.absent:
        return None
    package = fetched(folder, case.trade)
    private_folder(folder)
    download(market.http, f"/v1/trades/{case.trade}/package", package, case.record["package"]["size"], progress)
    return package


def fetched(folder: Path, trade: str) -> Path:
    """Return where in ``folder`` a package lies that was fetched to decide ``trade``."""
    return folder / f"{trade}{_SUFFIX}"


def waiting(folder: Path) -> list[str]:
    """Return the trades of which something that was fetched lies in ``folder``."""
    names = (path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    return [name for name in names if ids.is_trade(name)]

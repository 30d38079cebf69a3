"""Whose gateway `countermark up` runs: the platform's, or a member organisation's beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from countermark.cli.up.data import DataFolder, member_keys
from countermark.cli.up.founding import check_own, found_market
from countermark.cli.up.ledgers import Ledger
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder
from countermark.network.client import EvaluateError, GatewayClient
from countermark.protocol.errors import ErrorCode


class Gateway(Protocol):
    """What the rest of `countermark up` needs to know of it."""

    def prepare(self, client: GatewayClient) -> None:
        """Make its keys, and see to it that the market to which ``client`` leads is there.

        Raises:
            ClientError: the folder or the market is somebody else's, or there is no market yet.
            LedgerError: the ledger does not answer, or refuses.
        """
        ...

    def settings(self) -> dict[str, Any]:
        """Return the members of its configuration that no other kind of gateway has."""
        ...


@dataclass(frozen=True)
class PlatformGateway:
    """The platform's: it founds the market, and holds what is handed to the platform."""

    data: DataFolder
    ledger: Ledger
    objects: str
    """The object store; empty for a folder of the data folder."""
    faucet: bool
    """Whether whoever asks is given money."""
    webhooks_allow: Sequence[str] = ()
    """Networks to which webhooks may be delivered although they are not public."""
    forwards: Sequence[str] = ()
    """Authorities of members' gateways that pass requests on."""

    def prepare(self, client: GatewayClient) -> None:
        """See `Gateway`; a market that is missing is founded."""
        found_market(client, self.data, guard_s=self.ledger.guard_s, parties=self.ledger.parties)
        check_own(client, self.data)

    def settings(self) -> dict[str, Any]:
        """See `Gateway`."""
        return {
            "objects": self.objects or str(private_folder(self.data.objects)),
            "spool": str(private_folder(self.data.spool)),
            "faucet": self.faucet,
            "webhooks_allow": list(self.webhooks_allow),
            "forwards": list(self.forwards),
        }


@dataclass(frozen=True)
class MemberGateway:
    """A member organisation's: it passes on to the platform's what only that can do."""

    data: DataFolder
    url: str
    """The platform's gateway."""
    ca_file: Path | None
    """Certificate authority of that; the system's without it."""

    def prepare(self, client: GatewayClient) -> None:
        """See `Gateway`; a market that is missing is not founded."""
        member_keys(self.data)
        try:
            client.evaluate("market.show")
        except EvaluateError as error:
            if error.market_error is None or error.market_error.code is not ErrorCode.MARKET_MISSING:
                raise
            market = f"{client.profile.channel}/{client.profile.chaincode}"
            detail = f"the market {market} is not founded yet: its platform does that"
            raise ClientError(REFUSED_HERE, detail) from error

    def settings(self) -> dict[str, Any]:
        """See `Gateway`."""
        ca_file = {} if self.ca_file is None else {"ca_file": str(self.ca_file)}
        return {"platform": {"url": self.url, **ca_file}}


def platform_at(where: str, ca_file: Path | None) -> tuple[str, Path | None]:
    """Return URL and certificate authority of the platform's gateway at the URL or `gateway.json` ``where``.

    Raises:
        ClientError: the file cannot be read, or is no `gateway.json`.
    """
    if "://" in where:
        return where, None if ca_file is None else ca_file.resolve()
    path = Path(where).resolve()
    try:
        url = str(json.loads(path.read_bytes())["url"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClientError(REFUSED_HERE, f"{path} is neither a URL nor the gateway.json of a platform") from error
    return url, (ca_file or path.with_name("gateway-ca.pem")).resolve()

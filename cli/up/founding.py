"""The market is founded: its first configuration goes onto a ledger that has none, with the keys of a data folder."""

from collections.abc import Sequence
from dataclasses import dataclass

from countermark.cli.up.data import PLATFORM, SUPERVISOR, TRADER, DataFolder, PlatformKeys, platform_keys
from countermark.cli.up.market import RoleKeys, default_market
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.network.client import EvaluateError, GatewayClient
from countermark.network.lifecycle.patience import patiently
from countermark.network.topology import Part, Topology
from countermark.protocol import canonical
from countermark.protocol.errors import ErrorCode
from countermark.protocol.market import MarketConfig


@dataclass(frozen=True)
class Parties:
    """MSP ids by what the organisations are to the market."""

    platform: str = PLATFORM
    supervisor: str = SUPERVISOR
    members: Sequence[str] = (TRADER,)

    @classmethod
    def of(cls, topology: Topology) -> "Parties":
        """Return which organisation of a network plays which part."""
        return cls(
            platform=topology.part(Part.PLATFORM).msp_id,
            supervisor=topology.part(Part.SUPERVISOR).msp_id,
            members=[one.msp_id for one in topology.organisations if one.part is Part.MEMBER and one.peers],
        )


def found_market(client: GatewayClient, data: DataFolder, *, guard_s: int, parties: Parties | None = None) -> bool:
    """Found the market that ``client`` leads to unless it is there, and return whether it was not.

    ``guard_s`` must not be below the peers' time window.

    Raises:
        LedgerError: the ledger did not take it, or does not answer.
    """
    try:
        client.evaluate("market.show")
    except EvaluateError as error:
        if error.market_error is None or error.market_error.code is not ErrorCode.MARKET_MISSING:
            raise
    else:
        return False
    parties, keys = parties or Parties(), platform_keys(data)
    configuration = canonical.dumps(_configuration(data, keys, parties, guard_s).to_json())
    # Of a network that has just come up, peers may not have found the others with whom they are to keep the pepper.
    endorsed = patiently(
        lambda: client.endorse(
            "market.init",
            [configuration],
            transient={"pepper": keys.pepper},
            endorsing_organisations=(parties.platform, parties.supervisor),
        )
    )
    client.submit(endorsed.tx_id, endorsed.envelope)
    client.commit_status(endorsed.tx_id).check()
    return True


def check_own(client: GatewayClient, data: DataFolder) -> None:
    """Return if the market that ``client`` leads to is that of the keys in ``data``.

    Raises:
        ClientError: it was founded with other keys, with which alone its platform can act.
        LedgerError: the ledger does not answer.
    """
    market = MarketConfig.from_json(canonical.loads(client.evaluate("market.show")))
    if market.platform.account != platform_keys(data).account.address:
        detail = f"the market {client.profile.channel}/{client.profile.chaincode} was founded with other keys than "
        raise ClientError(REFUSED_HERE, f"{detail}those in {data.path}: use the data folder that it was founded from")


def _configuration(data: DataFolder, keys: PlatformKeys, parties: Parties, guard_s: int) -> MarketConfig:
    def role(name: str) -> RoleKeys:
        own = data.role_keys(name)
        return RoleKeys(parties.supervisor, own.address, own.current_encryption[1])

    return default_market(
        platform=keys.role(parties.platform),
        supervisor=role("supervisor"),
        arbiters=(role("arbiter"), role("substitute")),
        issuer=keys.issuer.address,
        members=parties.members,
        guard_s=guard_s,
    )

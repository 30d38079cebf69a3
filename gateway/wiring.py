"""From a configuration to the services that it describes, the platform's or a member's."""

from countermark.gateway import services as platform
from countermark.gateway.config import MemberConfig, PlatformConfig
from countermark.gateway.member import services as member
from countermark.gateway.member.services import MemberServices
from countermark.gateway.services import PlatformServices


def from_config(config: PlatformConfig | MemberConfig) -> PlatformServices | MemberServices:
    """Return the services of the gateway, or of the worker beside it, that ``config`` describes.

    Raises:
        MarketError: a file is missing or malformed.
        LedgerError: a connection profile cannot be used (`network.client`).
    """
    return member.from_config(config) if isinstance(config, MemberConfig) else platform.from_config(config)

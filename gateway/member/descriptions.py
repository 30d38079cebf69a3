"""The platform's descriptions as anybody may ask for them, for a member's own copies."""

from countermark.gateway.member.upstream import Upstream
from countermark.platform.ports import Described
from countermark.protocol import canonical
from countermark.protocol.description import parse_description
from countermark.protocol.encoding import unb64u
from countermark.protocol.errors import ErrorCode, MarketError


class PlatformDescriptions:
    """`ports.Descriptions` by way of the platform's gateway. May be shared between threads."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def tell(self, address: str) -> Described | None:
        """See `ports.Descriptions`."""
        fields = {"Accept": "application/json", "Accept-Encoding": "identity"}
        with self._upstream.opened("GET", f"/v1/listings/{address}", fields) as answer:
            if answer.status == 404:
                raise MarketError(ErrorCode.UNKNOWN_LISTING, "the platform does not show it yet")
            if answer.status != 200:
                raise MarketError(ErrorCode.PLATFORM_UNAVAILABLE, f"the platform answered {answer.status}")
            listing = canonical.loads(answer.read(), canonical=False)
        if not isinstance(listing, dict) or "description" not in listing:
            raise MarketError(ErrorCode.PLATFORM_UNAVAILABLE, "the platform answered with something else")
        if listing["description"] is None:
            return None
        return Described(parse_description(listing["description"]), unb64u(listing.get("salt_d"), length=32))

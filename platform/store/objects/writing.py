"""Write an object whose bytes are at hand."""

from countermark.platform.ports import ObjectStore
from countermark.protocol.errors import ErrorCode, MarketError


def keep(objects: ObjectStore, name: str, data: bytes) -> None:
    """Store `data` under `name`, whole; what is sealed under that name already stays as it is.

    Raises:
        MarketError: STORE_UNAVAILABLE.
    """
    try:
        objects.append(name, 0, [data])
    except MarketError as error:
        # Sealed by an earlier run, which died before it could say so, or by the same request before.
        if error.code is not ErrorCode.WRONG_STATE:
            raise
    objects.seal(name, len(data))

"""What a home knows of its market from the first time on, so that no gateway can put another in its place.

A gateway that names another market gets intents for it; one that gives another key reads what is sealed to it. The
first answer is believed, as is a later version of the platform's key: a market may change its key, and says so on
its ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.protocol import canonical, fields
from countermark.protocol.errors import MarketError
from countermark.protocol.market import MarketConfig

_FILE = {
    "v": fields.integer(1, 1),
    "market": fields.text(256),
    "platform": fields.address,
    "keys": fields.mapping(fields.text(10), fields.public_key, longest=10_000),
}


@dataclass(frozen=True)
class Pins:
    """The market's name, the platform's account, and its encryption keys by version."""

    market: str
    platform: str
    keys: Mapping[int, str]

    def to_json(self) -> bytes:
        """Return the file that `load` reads."""
        keys = {str(version): key for version, key in self.keys.items()}
        return canonical.dumps({"v": 1, "market": self.market, "platform": self.platform, "keys": keys})


def load(path: Path) -> Pins | None:
    """Return what the file ``path`` holds, None where there is none.

    Raises:
        ClientError: it is malformed.
    """
    try:
        document = fields.record(canonical.loads(path.read_bytes()), _FILE)
        keys = {int(version): key for version, key in document["keys"].items()}
    except FileNotFoundError:
        return None
    except (MarketError, ValueError) as error:
        raise ClientError(REFUSED_HERE, f"{path} is malformed") from error
    return Pins(document["market"], document["platform"], keys)


def check(known: Pins | None, name: str, config: MarketConfig) -> Pins:
    """Return what is known after a gateway has shown the market ``name`` with ``config``.

    Raises:
        ClientError: it is another market, another platform, or another key of a version that was seen before.
    """
    account, shown = config.platform.account, config.platform.encryption_key
    if known is None:
        return Pins(name, account, {shown.version: shown.key})
    if name != known.market:
        raise _refused(f"the gateway serves the market {name}; this home belongs to {known.market}")
    if account != known.platform:
        raise _refused("the gateway names another account as the platform's than before")
    newest = max(known.keys, default=0)
    if known.keys.get(shown.version, shown.key) != shown.key or shown.version < newest:
        raise _refused("the gateway names another encryption key of the platform than before")
    return Pins(name, account, {**known.keys, shown.version: shown.key})


def _refused(detail: str) -> ClientError:
    return ClientError(REFUSED_HERE, f"{detail}; if that was announced, remove market.json from the home")

"""A platform's data folder: its secrets, its database, its object store, its peers."""

import shutil
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from countermark.cli.doctor.findings import Finding, NotAsItShouldError, Verdict, examine
from countermark.cli.up.data import DataFolder

if TYPE_CHECKING:
    from countermark.gateway.services import PlatformServices, Services

FREE_BYTES = 1 << 30
"""Less than this free on the disk is worth a warning: packages of data in transit lie there."""


def findings(data: DataFolder) -> Iterator[Finding]:
    """Yield what was found in the folder ``data``."""
    if not data.gateway_config.exists():
        yield Finding("data folder", Verdict.WRONG, f"no platform has run on {data.path}")
        return
    yield from examine(("data folder", lambda: _folder(data)), ("disk", lambda: _disk(data)))
    from countermark.gateway import config
    from countermark.gateway.services import PlatformServices
    from countermark.gateway.wiring import from_config
    from countermark.network.client import LedgerError
    from countermark.protocol.errors import MarketError

    try:
        configured = config.load(data.gateway_config)
        services = from_config(configured)
    except (MarketError, LedgerError) as error:
        yield Finding("configuration", Verdict.WRONG, f"{error} (the platform's files appear while it runs)")
        return
    try:
        yield Finding("configuration", Verdict.OK, str(data.gateway_config))
        yield from examine(
            ("database", lambda: _database(services)),
            ("ledger", lambda: _ledger(services)),
        )
        if isinstance(services, PlatformServices) and isinstance(configured, config.PlatformConfig):
            store, where = services, configured.objects
            yield from examine(("object store", lambda: _objects(store, where)))
    finally:
        services.close()


def _folder(data: DataFolder) -> str:
    for path in (data.path, data.gateway, data.gateway / "keys.json"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ValueError(f"{path} is open to others (mode {mode:04o})")
    return str(data.path)


def _disk(data: DataFolder) -> str:
    free = shutil.disk_usage(data.path).free
    text = f"{free >> 20} MiB free"
    if free < FREE_BYTES:
        raise NotAsItShouldError(text)
    return text


def _database(services: "Services") -> str:
    from countermark.platform.views import progress

    with services.database.begin() as connection:
        return f"answers; {progress.height(connection)} blocks applied"


def _objects(services: "PlatformServices", where: str) -> str:
    services.objects.probe()
    return where


def _ledger(services: "Services") -> str:
    from countermark.platform.ports import UnavailableError

    try:
        height = services.chain.height()
        checked, accepted = services.chain.checks_time(), services.chain.accepts_time()
    except UnavailableError as error:
        raise ValueError(f"the peer does not answer: {error}") from error
    if not checked:
        raise ValueError("the peer takes any timestamp: switch on TimeWindowCheck, or no deadline holds")
    if not accepted:
        raise ValueError("this machine's clock and the peer's differ by more than its time window")
    return f"{height} blocks; timestamps are checked"

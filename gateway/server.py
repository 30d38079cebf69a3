"""The gateway as a process: `python -m countermark.gateway.server --config FILE`.

One process with threads under gunicorn, which terminates TLS. `gateway ready at URL` appears on standard error when
it answers; SIGTERM lets requests under way finish and ends it.
"""

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from countermark.gateway import config, logs
from countermark.gateway.app import create_app
from countermark.gateway.config import MemberConfig, PlatformConfig
from countermark.gateway.connections import Worker
from countermark.gateway.services import Services
from countermark.gateway.wiring import from_config
from countermark.network.client import LedgerError
from countermark.platform.store.migrations import migrate
from countermark.protocol.errors import MarketError

GRACE_S = 10
"""How long requests under way may take to end after SIGTERM."""


class _Logger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """Gunicorn's logger without handlers of its own: its lines go where all others go."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn is not typed
    """Gunicorn on one configuration."""

    def __init__(self, config: PlatformConfig | MemberConfig) -> None:
        self._config = config
        self._services: Services | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings."""
        settings = {
            "bind": f"{self._config.host}:{self._config.port}",
            "workers": 1,
            "worker_class": Worker,
            "threads": self._config.threads,
            "certfile": str(self._config.tls_cert_file),
            "keyfile": str(self._config.tls_key_file),
            "timeout": 120,
            "graceful_timeout": GRACE_S,
            "keepalive": 30,
            "logger_class": _Logger,
            "control_socket_disable": True,
            "post_worker_init": self._tell_ready,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application; called in the worker, so nothing is shared over the fork."""
        self._services = from_config(self._config)
        return create_app(self._services)

    def end_streams(self) -> None:
        """Tell whoever waits for events to give up."""
        if self._services is not None:
            self._services.bell.close()

    def _tell_ready(self, _worker: object) -> None:
        # The socket listens and the application is loaded: from here on every connection is answered.
        logging.getLogger(__name__).info("gateway ready at %s", self._config.url)


def main() -> int:
    """Run the gateway until SIGTERM; status 1 when it cannot start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=os.environ.get(config.ENVIRONMENT), help="configuration file")
    arguments = parser.parse_args()
    if arguments.config is None:
        parser.error(f"--config or {config.ENVIRONMENT} is needed")
    logs.configure("gateway")
    try:
        loaded = config.load(Path(arguments.config))
        services = from_config(loaded)
        migrate(services.database)
        services.close()
    except (MarketError, LedgerError) as error:
        logging.getLogger(__name__).error("the gateway cannot start: %s", error)
        return 1
    Server(loaded).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Whether the chaincode server beside which this runs serves: `python -m countermark.chaincode.healthcheck`.

For containers. It reads the variables that the server was started with; status 0 if it serves, else 1 and a line.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from countermark.chaincode.shim.errors import ShimError
from countermark.chaincode.shim.health import Asker

_VARIABLES = ("CHAINCODE_SERVER_ADDRESS", "CHAINCODE_TLS_CERT", "CHAINCODE_TLS_KEY", "CHAINCODE_CLIENT_CA")


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Ask once and return the exit status."""
    try:
        missing = [name for name in _VARIABLES if not environment.get(name)]
        if missing:
            raise ShimError(f"{missing[0]} is not set")
        address, *files = (environment[name] for name in _VARIABLES)
        Asker(address, *map(Path, files)).ask()
    except ShimError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

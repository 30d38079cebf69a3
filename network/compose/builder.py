"""The external builder of peers in containers: Fabric's image has a shell and no Python.

What is to stand in a package's connection.json lies beside the peer's settings, as a script for sed: so a peer's key
is in a file of its own and in no environment, which whoever may ask the engine could read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from countermark.network.compose.places import CONFIGURATION
from countermark.network.lifecycle.package import KIND
from countermark.network.nodes.writing import write_changed

SCRIPT: Final = "connection.sed"

_PROGRAMS: Final = {
    "detect": f"""grep -q '"type": "{KIND}"' "$2/metadata.json"\n""",
    "build": 'cp "$1/connection.json" "$3/connection.json"\n',
    "release": f"""\
mkdir -p "$2/chaincode/server"
sed -f {CONFIGURATION}/{SCRIPT} "$1/connection.json" > "$2/chaincode/server/connection.json"
""",
}


def write(folder: Path) -> None:
    """Write the builder's three programs into `folder`, as far as they have changed."""
    for name, text in _PROGRAMS.items():
        write_changed(folder / "bin" / name, f"#!/bin/sh\nset -eu\n{text}".encode(), mode=0o755)


def script(texts: Mapping[str, str]) -> str:
    """Return the script that puts `texts` in the places of a connection.json that have their names."""
    return "".join(f"s|{{{{\\.{name}}}}}|{_replacement(text)}|g\n" for name, text in texts.items())


def _replacement(text: str) -> str:
    """Return `text` as it stands in a JSON string, and sed leaves it so."""
    quoted = json.dumps(text)[1:-1]
    for special in ("\\", "&", "|"):
        quoted = quoted.replace(special, f"\\{special}")
    return quoted

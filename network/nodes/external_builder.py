"""An external builder for chaincode that runs as a service of its own: there is nothing to build.

A package names no addresses and no keys, so that all organisations install the same one. Each peer's environment says
what to put in their place when the package is released to it.
"""

import shlex
import sys
from pathlib import Path

from countermark.network.lifecycle.package import ADDRESS_PREFIX, KIND
from countermark.network.nodes.writing import write_changed

CONFIGURATION = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"
"""Variable with a JSON object: `address…` as they are, and files whose text is to stand in connection.json.

Fabric's own builder for such chaincode knows the same variable; it wants the texts in it instead of the files.
"""

# A first line that names the interpreter ends at a space in its path, and after 127 bytes on some kernels. This is a
# command to the shell and a string to Python.
_HEAD = """\
#!/bin/sh
''':'
exec {python} -I "$0" "$@"
'''
"""
_DETECT = f"""\
import json, pathlib, sys
metadata = json.loads((pathlib.Path(sys.argv[2]) / "metadata.json").read_text())
sys.exit(metadata["type"] != "{KIND}")
"""
_BUILD = """\
import pathlib, shutil, sys
shutil.copy(pathlib.Path(sys.argv[1]) / "connection.json", sys.argv[3])
"""
_RELEASE = f"""\
import json, os, pathlib, sys
given = json.loads(os.environ["{CONFIGURATION}"])
texts = {{
    name: value if name.startswith("{ADDRESS_PREFIX}") else pathlib.Path(value).read_text()
    for name, value in given.items()
}}
connection = json.loads((pathlib.Path(sys.argv[1]) / "connection.json").read_text())
for name, value in connection.items():
    if isinstance(value, str) and value.startswith("{{{{.") and value.endswith("}}}}"):
        connection[name] = texts[value[3:-2]]
folder = pathlib.Path(sys.argv[2]) / "chaincode" / "server"
folder.mkdir(parents=True)
(folder / "connection.json").write_text(json.dumps(connection))
"""


def write(folder: Path) -> None:
    """Write the builder's three programs into `folder`, as far as they have changed."""
    for name, text in {"detect": _DETECT, "build": _BUILD, "release": _RELEASE}.items():
        head = _HEAD.format(python=shlex.quote(sys.executable))
        write_changed(folder / "bin" / name, f"{head}{text}".encode(), mode=0o755)

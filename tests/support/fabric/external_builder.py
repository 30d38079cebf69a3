"""An external builder for chaincode that runs as a service of its own: there is nothing to build.

A package names no addresses and no keys, so that all organisations install the same one. Each peer's environment says
what to put in their place when the package is released to it.
"""

import stat
import sys
from pathlib import Path

CONFIGURATION = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"
"""Variable with a JSON object: `address` as it is, and files whose text is to stand in connection.json."""

KIND = "service"

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
texts = {{name: value if name == "address" else pathlib.Path(value).read_text() for name, value in given.items()}}
connection = json.loads((pathlib.Path(sys.argv[1]) / "connection.json").read_text())
for name, value in connection.items():
    if value == "{{{{." + name + "}}}}":
        connection[name] = texts[name]
folder = pathlib.Path(sys.argv[2]) / "chaincode" / "server"
folder.mkdir(parents=True)
(folder / "connection.json").write_text(json.dumps(connection))
"""


def write(folder: Path) -> Path:
    """Write the builder's three programs into `folder` and return it."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name, text in {"detect": _DETECT, "build": _BUILD, "release": _RELEASE}.items():
        program = programs / name
        program.write_text(f"#!{sys.executable} -I\n{text}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder

"""Which image the chaincode servers of a package run: that of the day on which the package was made.

While an upgrade is under way, old and new servers run side by side, each with its own code; so a package keeps its
image, in `packages/<sequence>.image`, whatever the variable says later. It is noted when servers have run from it;
until then another may be named.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.native.servers import InUse
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.writing import write_changed

VARIABLE: Final = "CHAINCODE_IMAGE"
DEFAULT: Final = "countermark/chaincode:0.1.0"

# Compose would take a dollar sign for the start of a variable.
_NAME = re.compile(r"[A-Za-z0-9][\w./:@-]{0,511}")


def images(folder: NetworkFolder, uses: list[InUse], environment: Mapping[str, str] = os.environ) -> dict[int, str]:
    """Return the image of each of the packages `uses` by its sequence: what is noted, else what the variable says.

    Raises:
        LifecycleError: What is noted, or what the variable says, is no name of an image.
    """
    return {use.sequence: _image(folder, use, environment) for use in uses}


def note_images(folder: NetworkFolder, uses: list[InUse], environment: Mapping[str, str] = os.environ) -> None:
    """Note the image of each of the packages `uses`, whose servers run.

    Raises:
        LifecycleError: As `images`.
    """
    for sequence, name in images(folder, uses, environment).items():
        write_changed(_note(folder, sequence), f"{name}\n".encode())


def _note(folder: NetworkFolder, sequence: int) -> Path:
    return folder.packages / f"{sequence}.image"


def _image(folder: NetworkFolder, use: InUse, environment: Mapping[str, str]) -> str:
    note = _note(folder, use.sequence)
    noted = note.exists()
    name = note.read_text().strip() if noted else environment.get(VARIABLE) or DEFAULT
    if not _NAME.fullmatch(name):
        raise LifecycleError("malformed_image", f"{note if noted else VARIABLE}: {name!r} is no name of an image")
    return name

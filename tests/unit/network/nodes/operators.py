"""Three organisations, each with a folder and a description of its own; only definitions are exchanged."""

import re
from pathlib import Path

from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.generation import generate
from countermark.network.nodes.material import make_organisations
from countermark.network.topology import load
from tests.support.clock import now_ms
from tests.unit.network.topology.descriptions import default

NAMES = ("platform", "supervisor", "trader")


def own_description(name: str, text: str = "") -> str:
    """The default description as the organisation `name` writes it: itself first, the others by their files."""
    head, *parts = re.split(r"^(?=  - name: )", text or default(), flags=re.MULTILINE)
    own = {part.split()[2]: part for part in parts}
    others = "".join(f"  - definition: received/{other}.json\n" for other in own if other != name)
    return head + own[name] + others


def exchange(folders: dict[str, NetworkFolder]) -> None:
    """Every organisation gets the definitions that the others have made."""
    for name, folder in folders.items():
        received = folder.path / "received"
        received.mkdir(exist_ok=True)
        for other in folders.keys() - {name}:
            (received / f"{other}.json").write_bytes(folders[other].definition(other).read_bytes())


def separate_folders(directory: Path) -> dict[str, NetworkFolder]:
    """Folders in which all is made but the genesis block."""
    folders = {name: NetworkFolder(directory / name) for name in NAMES}
    for name, folder in folders.items():
        folder.path.mkdir()
        folder.description.write_text(own_description(name))
        make_organisations(folder, load(folder.description, awaiting=True))
    exchange(folders)
    for folder in folders.values():
        generate(folder, load(folder.description), now_ms=now_ms(), found=False)
    return folders

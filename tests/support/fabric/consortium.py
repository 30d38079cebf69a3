"""A consortium whose organisations keep their keys in folders of their own, and give each other files alone.

Everything is done by the command line, as their operators would.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from countermark.network.ports import free_ports
from tests.support.command_line import command, countermark

NAMES: Mapping[str, str] = {"platform": "PlatformMSP", "supervisor": "SupervisorMSP", "trader": "TraderMSP"}
CHANNEL, CHAINCODE = "market", "countermark"
_PARTS = {"platform": "platform", "supervisor": "supervisor", "trader": "member"}
_PORTS = 8


class Consortium:
    """Three organisations, each with a peer and an orderer, in three folders."""

    def __init__(self, directory: Path) -> None:
        self.folders = {name: directory / name for name in NAMES}
        self.joined: list[Path] = []
        """Folders of organisations that came later."""

    def found(self) -> None:
        """Exchange definitions, have the platform make the genesis block, and bring everything up."""
        ports = iter(free_ports(_PORTS * len(NAMES)))
        for name, folder in self.folders.items():
            folder.mkdir(parents=True)
            (folder / "network.yaml").write_text(description(name, [next(ports) for _ in range(_PORTS)]))
            countermark("network", "generate", "--dir", folder)
        for name, folder in self.folders.items():
            for other in self.folders.values():
                if other != folder:
                    shutil.copy(folder / "definitions" / f"{name}.json", other / "definitions")
        countermark("network", "generate", "--found", "--dir", self.folders["platform"])
        for name in ("supervisor", "trader"):
            genesis = self.folders["platform"] / "genesis.block"
            countermark("network", "generate", "--genesis", genesis, "--dir", self.folders[name])
        self.each("up")
        # Whoever came first could not wait for the approvals of the others.
        self.each("up")

    def each(self, *words: str) -> None:
        """Run `countermark network` with `words` in all folders at the same time, as several operators do."""
        commands = [command("network", *words, "--dir", folder) for folder in self.folders.values()]
        running = [
            subprocess.Popen(one, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for one in commands
        ]
        said = [one.communicate(timeout=120) for one in running]
        failed = [text for one, text in zip(running, said, strict=True) if one.returncode]
        assert not failed, failed

    def connection(self, name: str) -> Path:
        """Return an organisation's connection file."""
        return self.folders[name] / "connection" / f"{name}.json"

    def down(self) -> None:
        for folder in (*self.folders.values(), *self.joined):
            if (folder / "network.yaml").exists():
                countermark("network", "down", "--dir", folder)


@contextmanager
def consortium(directory: Path) -> Iterator[Consortium]:
    """Give a consortium that trades, and end whatever of it runs."""
    made = Consortium(directory)
    try:
        made.found()
        yield made
    finally:
        made.down()


def description(name: str, ports: Sequence[int]) -> str:
    """The network.yaml of one organisation, which knows the others by their definitions."""
    peer, listener, operations, first, second, orderer, admin, orderer_operations = ports
    others = "".join(f"  - definition: definitions/{other}.json\n" for other in NAMES if other != name)
    return (
        f"network: countermark\nchannel: {CHANNEL}\nchaincode: {{name: {CHAINCODE}, version: '1.0'}}\n"
        f"batch: {{timeout_ms: 200}}\ntime_window_s: 5\norganisations:\n"
        f"  - name: {name}\n    msp_id: {NAMES[name]}\n    domain: {name}.example\n    part: {_PARTS[name]}\n"
        f"    peers:\n      - name: peer0\n        host: 127.0.0.1\n        ports: {{peer: {peer}, "
        f"listener: {listener}, operations: {operations}, chaincode: [{first}, {second}]}}\n"
        f"    orderers:\n      - name: orderer0\n        host: 127.0.0.1\n        ports: {{orderer: {orderer}, "
        f"admin: {admin}, operations: {orderer_operations}}}\n{others}"
    )

"""Parties who trade data of any size through a whole platform, each command a process whose memory is measured.

The data are a photograph with a long tail of random bytes. The one generator that this market takes reads pictures
into memory, up to a size (`fingerprint.image.decode.MAX_FILE_BYTES`); here it sees the photograph alone, as one that
reads piece by piece would do, so that whatever else grows with the data shows.
"""

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import sizes
from tests.support.pictures import jpeg, photo
from tests.support.whole_platform import Platform

MIB = 1 << 20
WAIT_S = sizes.size(300, 7200)

PROGRAM = """
import atexit, io, os, resource, sys
from pathlib import Path

if "LARGEST_FILE" in os.environ:
    # Here and not between fork and exec, where libraries of the test's process have a say.
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["LARGEST_FILE"]), resource.RLIM_INFINITY))

from countermark import fingerprint
from countermark.client import data, receiving

def of_the_photograph(file, generators):
    file.seek(0)
    photograph = file.read(1 << 18)
    return [fingerprint.compute(io.BytesIO(photograph), generator).to_bytes() for generator in generators]

class Holding:
    # Writes until so many bytes have been written, says so, and waits to be killed.
    def __init__(self, file, left):
        self.file, self.left = file, left
    def write(self, piece):
        self.file.write(piece)
        self.file.flush()
        self.left -= len(piece)
        if self.left <= 0:
            print("holding", flush=True)
            sys.stdin.read()

def held(source, out, **options):
    return opened(source, Holding(out, int(os.environ["HOLD_AFTER"])), **options)

def tell():
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    Path(os.environ["PEAK_FILE"]).write_text(peak.split()[1])

data.fingerprints_of = of_the_photograph
opened = receiving.open_package
if "HOLD_AFTER" in os.environ:
    receiving.open_package = held
atexit.register(tell)
from countermark.cli.main import main
main()
"""


def peak_of(pid: int) -> int:
    """The most memory that the process has ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) << 10


def write_data(path: Path, size: int) -> Path:
    """Write `size` bytes that no compression makes shorter: a photograph, and its tail."""
    chance = random.Random(size)
    with path.open("wb") as file:
        file.write(jpeg(photo("astronaut").resize((256, 256))))
        while (left := size - file.tell()) > 0:
            file.write(chance.randbytes(min(MIB, left)))
    return path


@dataclass
class Party:
    """Somebody with a home of his own, who reaches the gateway at `url`."""

    home: Path
    url: str
    ca_file: Path
    peaks: dict[str, int] = field(default_factory=dict)
    """The most memory that each verb has ever taken, in bytes."""

    def run(
        self, *arguments: str, status: int = 0, largest_file: int | None = None, **environment: str
    ) -> dict[str, Any]:
        """Run a command; it can write no file beyond `largest_file` bytes, as on a disk that is full then."""
        process = self.start(*arguments, largest_file=largest_file, **environment)
        out, err = process.communicate(timeout=WAIT_S)
        assert process.returncode == status, f"{arguments}: {process.returncode}\n{out}\n{err}"
        verb = " ".join(arguments[:2])
        peak = int((self.home / "peak").read_text()) << 10
        self.peaks[verb] = max(peak, self.peaks.get(verb, 0))
        document: dict[str, Any] = json.loads(out)
        return document

    def start(self, *arguments: str, largest_file: int | None = None, **environment: str) -> "subprocess.Popen[str]":
        limit = {} if largest_file is None else {"LARGEST_FILE": str(largest_file)}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, "--json"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "COUNTERMARK_HOME": str(self.home / "countermark"),
                "COUNTERMARK_PASSPHRASE_FILE": str(self.home / "passphrase"),
                "COUNTERMARK_GATEWAY": self.url,
                "COUNTERMARK_CA_FILE": str(self.ca_file),
                "PEAK_FILE": str(self.home / "peak"),
                **limit,
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interrupt(self, process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> str:
        """End a command by a signal, and return what it had printed."""
        process.send_signal(number)
        return process.communicate(timeout=WAIT_S)[0]


@dataclass
class Deal:
    """A trade in FUNDED, of `data`, between two parties of one platform."""

    platform: Platform
    seller: Party
    buyer: Party
    trade: str
    data: Path

    @property
    def gateways(self) -> list[int]:
        """The pids of the gateway's processes."""
        return processes("countermark.gateway.server", self.platform)

    def memory(self) -> dict[str, int]:
        """The most memory that each of the platform's processes that see a package has had, in bytes."""
        workers = processes("countermark.gateway.worker", self.platform)
        return {
            "gateway": max(peak_of(pid) for pid in self.gateways),
            "worker": max(peak_of(pid) for pid in workers),
        }


def agree(folder: Path, platform: Platform, data: Path, *, url: str) -> Deal:
    """Let a seller list `data` and a buyer pay for it, through the gateway at `url`."""
    parties = {}
    for name, amount in (("seller", "5000"), ("buyer", "50000")):
        home = folder / name
        home.mkdir(mode=0o700)
        (home / "passphrase").write_text(f"passphrase of {name}\n")
        (home / "passphrase").chmod(0o600)
        parties[name] = Party(home, url, platform.ca_file)
        parties[name].run("account", "new")
        parties[name].run("account", "fund", amount)
    seller, buyer = parties["seller"], parties["buyer"]
    listing = seller.run("listing", "create", str(data), "--price", "20000")["listing"]
    trade = str(buyer.run("trade", "buy", listing, "--max-price", "20000")["trade"])
    seller.run("trade", "charge", trade)
    return Deal(platform, seller, buyer, trade, data)


def processes(module: str, platform: Platform) -> list[int]:
    """The pids of the processes of `platform` that run `module`, those that they have forked too."""
    config = str(platform.data / "gateway" / "config.json")
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
            if module in words and config in words:
                found.append(int(folder.name))
    assert found, module
    return found

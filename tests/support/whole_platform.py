"""A whole platform as a process, and traders who type commands."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countermark.gateway.database import discard

COUNTERMARK = str(Path(sys.executable).with_name("countermark"))


@dataclass
class Platform:
    """`countermark up` as a process, with `environment` besides that of the tests."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    """What is set besides."""
    options: tuple[str, ...] = ()
    """Options of the command besides."""
    url: str = ""
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def gateway_file(self) -> Path:
        return self.data / "gateway.json"

    @property
    def ca_file(self) -> Path:
        return self.data / "gateway-ca.pem"

    def start(self) -> None:
        command = [COUNTERMARK, "--json", "up", "--port", "0", "--data", str(self.data), *self.options]
        log = (self.data.parent / "up.log").open("a")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **self.environment}
        )
        log.close()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.data.parent / "up.log").read_text()
        document = json.loads(line)
        assert "url" in document, line
        self.url = document["url"]

    def discard(self) -> None:
        """Remove everything that it has stored, wherever its database lies; it must have been stopped."""
        discard(self.data / "postgres")
        shutil.rmtree(self.data)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@dataclass(frozen=True)
class Trader:
    """Somebody with a home of his own, who types commands."""

    home: Path
    platform: Platform
    environment: dict[str, str] = field(default_factory=dict)
    """What is set besides, or otherwise."""

    def run(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        """Run a command with --json, check its exit status and return what it printed."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "COUNTERMARK_HOME": str(self.home / "countermark"),
            "COUNTERMARK_PASSPHRASE_FILE": str(self.home / "passphrase"),
            "COUNTERMARK_GATEWAY": str(self.platform.gateway_file),
            **self.environment,
        }
        done = subprocess.run(
            [COUNTERMARK, *arguments, "--json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        document: dict[str, Any] = json.loads(done.stdout)
        return document


def trader(folder: Path, name: str, platform: Platform, **environment: str) -> Trader:
    """Make the home of a new trader; no other user can enter it."""
    home = folder / name
    home.mkdir(mode=0o700)
    (home / "passphrase").write_text(f"passphrase of {name}\n")
    (home / "passphrase").chmod(0o600)
    return Trader(home, platform, environment)

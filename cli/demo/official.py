"""Arbiter and supervisor of the demo: they type the commands of anybody in their place, at their own peer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click


class Official:
    """Who holds an office on the market of a data folder of `countermark up`: ``arbiter`` or ``supervisor``."""

    def __init__(self, platform: Path, gateway: str, ca_file: Path, office: str) -> None:
        self._office = office
        self._environment = {
            "COUNTERMARK_HOME": str(platform / "homes" / office),
            "COUNTERMARK_PASSPHRASE_FILE": str(platform / "passphrase"),
            "COUNTERMARK_CONNECTION": str(platform / "connection" / "supervisor.json"),
            "COUNTERMARK_GATEWAY": gateway,
            "COUNTERMARK_CA_FILE": str(ca_file),
        }

    def open(self) -> str:
        """Open his account, and return its address."""
        return str(self._run("account", "open")["address"])

    def balance(self) -> int:
        """Return his money in minor units."""
        return int(self._run("account", "show")["balance"])

    def decide(self, trade: str) -> dict[str, Any]:
        """Look at the evidence in the dispute over ``trade``, and decide it."""
        return self._run("trade", "decide", trade)

    def evidence(self, claim: str) -> dict[str, Any]:
        """Read what either side of a claim shows."""
        return self._run("claim", "evidence", claim)

    def find_for(self, winner: str, claim: str, remark: str) -> dict[str, Any]:
        """Find whose the contract of a claim is."""
        return self._run("claim", "decide", claim, "--for", winner, "--remark", remark)

    def _run(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "countermark.cli.main", "--json", *arguments]
        done = subprocess.run(
            command, env={**os.environ, **self._environment}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise click.ClickException(f"the {self._office}: {done.stdout or done.stderr}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told

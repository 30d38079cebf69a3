"""A party that acts by itself: it does, in every open trade of its account, whatever is its turn.

An honest agent never decides what a person should: it disputes nothing and accepts no altered copy.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countermark.client import deliveries, purchases
from countermark.client.errors import ClientError
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.transfers import no_progress
from countermark.client.vault import Vault
from countermark.protocol.transitions import TradeState

IDLE_S = 5.0
"""How long the agent waits at most before it looks again without an event, in seconds."""


@dataclass(frozen=True)
class Folders:
    """Where the agent keeps packages on their way out, and where it stores what was bought."""

    packages: Path
    purchases: Path


class Agent:
    """The seller's and the buyer's side of all trades of one account."""

    def __init__(
        self, market: Market, keys: Keys, vault: Vault, folders: Folders, report: Callable[[str, str], None]
    ) -> None:
        """``report`` is called with a trade's id and what was done."""
        self._market = market
        self._keys = keys
        self._vault = vault
        self._folders = folders
        self._report = report

    def step(self) -> int:
        """Do what can be done now in every open trade and return how many acts that were.

        Raises:
            ClientError: the gateway cannot be reached.
        """
        return sum(self._advance(trade) for trade in list(self._market.pages("/v1/trades", {"open": "true"})))

    def run(self, stop: threading.Event) -> None:
        """Act until ``stop`` is set; an unreachable gateway is tried again."""
        wake = threading.Event()
        threading.Thread(target=self._listen, args=(wake, stop), name="events", daemon=True).start()
        while not stop.is_set():
            wake.clear()
            try:
                while self.step() and not stop.is_set():
                    pass
            except ClientError as error:
                self._report("", str(error))
            wake.wait(IDLE_S)

    def _listen(self, wake: threading.Event, stop: threading.Event) -> None:
        last_id = ""
        while not stop.is_set():
            try:
                with self._market.http.events("/v1/events", last_id=last_id) as lines:
                    for line in lines:
                        if line.startswith("id:"):
                            last_id = line[3:].strip()
                        elif line.startswith("data:"):
                            json.loads(line[5:])
                            wake.set()
                        if stop.is_set():
                            return
            except ClientError:
                # The main loop goes on by time alone, and tells of a gateway that is away.
                stop.wait(IDLE_S)

    def _advance(self, trade: dict[str, Any]) -> int:
        act = self._turn(trade)
        if act is None:
            return 0
        name, function = act
        try:
            function(trade)
        except ClientError as error:
            # Overtaken by itself before a restart, or a party's own mistake: the other trades go on either way.
            self._report(trade["id"], f"{name}: {error}")
            return 0
        self._report(trade["id"], name)
        return 1

    def _turn(self, trade: dict[str, Any]) -> tuple[str, Callable[[dict[str, Any]], Done | None]] | None:
        state = TradeState(trade["state"])
        if trade["seller"] == self._market.address:
            return {
                TradeState.PAID: ("charge", lambda it: deliveries.charge(self._market, it)),
                TradeState.FUNDED: ("send", self._send),
                TradeState.UPLOADED: ("upload", self._send) if self._unsent(trade) else None,
            }.get(state)
        return {
            TradeState.SENT: ("receive", self._receive),
            TradeState.MATCHED: ("confirm", lambda it: purchases.confirm(self._market, it["id"])),
        }.get(state)

    def _unsent(self, trade: dict[str, Any]) -> bool:
        return (self._folders.packages / f"{trade['id']}.package").exists()

    def _send(self, trade: dict[str, Any]) -> Done | None:
        return deliveries.send(self._market, self._keys, self._vault, trade, self._folders.packages)

    def _receive(self, trade: dict[str, Any]) -> Done:
        self._folders.purchases.mkdir(parents=True, exist_ok=True)
        out = self._folders.purchases / trade["id"]
        received = purchases.fetch(self._market, self._vault, trade, out, no_progress)
        return purchases.acknowledge(self._market, self._keys, self._vault, trade, received)

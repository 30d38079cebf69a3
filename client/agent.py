"""A party that acts by itself: it does, in every open trade of its account, whatever is its turn.

An honest agent never decides what a person should: it disputes nothing and accepts no altered copy.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from countermark.client import deliveries, purchases, trades
from countermark.client.errors import ClientError
from countermark.client.files import private_folder
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.transfers import no_progress
from countermark.client.vault import Vault
from countermark.protocol.errors import MarketError
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
        self._ending = False
        # The one primitive of the library that a signal's handler may use while its thread waits on it.
        self._wake: SimpleQueue[None] = SimpleQueue()

    def turns(self) -> list[tuple[str, str]]:
        """Return the trades in which this party is to act now, each with the act's name.

        Raises:
            ClientError: the gateway cannot be reached.
        """
        turns = [(trade["id"], self._turn(trade)) for trade in trades.mine(self._market, open_only=True)]
        return [(trade, act[0]) for trade, act in turns if act is not None]

    def step(self) -> int:
        """Do what can be done now in every open trade and return how many acts that were.

        Raises:
            ClientError: the gateway cannot be reached.
        """
        acts = 0
        for trade in list(trades.mine(self._market, open_only=True)):
            if self._ending:
                break
            acts += self._advance(trade)
        return acts

    def run(self) -> None:
        """Act until `end` is called; an unreachable gateway is tried again."""
        threading.Thread(target=self._listen, name="events", daemon=True).start()
        while not self._ending:
            try:
                while self.step():
                    pass
            except ClientError as error:
                self._report("", str(error))
            with suppress(Empty):
                if not self._ending:
                    self._wake.get(timeout=IDLE_S)
                while True:
                    self._wake.get_nowait()

    def end(self) -> None:
        """Let `run` end after the act that it is at; may be called from a signal's handler."""
        self._ending = True
        self._wake.put(None)

    def _listen(self) -> None:
        last_id = ""
        pause = threading.Event()
        while not self._ending:
            # While no event comes in, the main loop goes on by time alone, and tells of a gateway that is away.
            with suppress(ClientError), self._market.http.events("/v1/events", last_id=last_id) as lines:
                for line in lines:
                    if line.startswith("id:"):
                        last_id = line[3:].strip()
                    elif line.startswith("data:"):
                        self._wake.put(None)
            pause.wait(IDLE_S)

    def _advance(self, trade: dict[str, Any]) -> int:
        act = self._turn(trade)
        if act is None:
            return 0
        name, function = act
        try:
            function(trade)
        except (ClientError, MarketError, OSError) as error:
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
        return deliveries.package_file(self._folders.packages, trade["id"]).exists()

    def _send(self, trade: dict[str, Any]) -> Done | None:
        return deliveries.send(self._market, self._keys, self._vault, trade, self._folders.packages)

    def _receive(self, trade: dict[str, Any]) -> Done:
        out = private_folder(self._folders.purchases) / trade["id"]
        received = purchases.fetch(self._market, self._vault, trade, out, no_progress)
        return purchases.acknowledge(self._market, self._keys, self._vault, trade, received)

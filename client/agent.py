"""A party that acts by itself: it does, in every open trade of its account, whatever is its turn.

An honest agent never decides what a person should: it disputes nothing and accepts no altered copy. It tells of both,
with the deadline until which a person can act.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from countermark.client import deliveries, notices, proofs, purchases, receiving, trades
from countermark.client.errors import ClientError
from countermark.client.files import private_folder
from countermark.client.keystore import Keys
from countermark.client.market import Market
from countermark.client.patience import Patience
from countermark.client.vault import Vault
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.transitions import Actor, TradeState, next_acts_of

IDLE_S = 5.0
"""How long the agent waits at most before it looks again without an event, in seconds."""

_FOR_PEOPLE = (TradeState.MISMATCHED, TradeState.DISPUTED, TradeState.EVIDENCED)
_HOPELESS = {ErrorCode.PACKAGE_UNDECRYPTABLE, ErrorCode.PACKAGE_TAMPERED}
"""What is so of the very bytes that the seller committed to, however often they are fetched."""

_BROKEN = {
    proofs.State.OVERDUE: "the platform has not anchored your notice in the time that its receipt names: "
    "`trade prove` writes what shows it",
    proofs.State.REWRITTEN: "the platform's board shows another entry than its receipt names: "
    "`trade prove` writes what shows it",
}

Turn = tuple[str, Callable[[dict[str, Any]], str]]
"""An act's name, and the act, which returns what is to be told of it besides."""


@dataclass(frozen=True)
class Folders:
    """Where the agent keeps packages on their way out and in, and where it stores what was bought."""

    packages: Path
    downloads: Path
    purchases: Path


class Agent:
    """The seller's and the buyer's side of all trades of one account."""

    def __init__(
        self,
        market: Market,
        keys: Keys,
        vault: Vault,
        folders: Folders,
        report: Callable[[str, str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``report`` is called with a trade's id and what was done, or is to be done by a person."""
        self._market = market
        self._keys = keys
        self._vault = vault
        self._folders = folders
        self._report = report
        self._patience = Patience(clock)
        self._told: set[tuple[str, str]] = set()
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
            self._tell_people(trade)
            acts += self._advance(trade)
        deliveries.sweep(self._market, self._folders.packages)
        self._keep_proofs()
        return acts

    def run(self) -> int:
        """Act until `end` is called, and return how many acts that were; an unreachable gateway is tried again."""
        acts = 0
        threading.Thread(target=self._listen, name="events", daemon=True).start()
        while not self._ending:
            try:
                while done := self.step():
                    acts += done
            except ClientError as error:
                self._report("", str(error))
            with suppress(Empty):
                if not self._ending:
                    self._wake.get(timeout=IDLE_S)
                while True:
                    self._wake.get_nowait()
        return acts

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

    def _tell_people(self, trade: dict[str, Any]) -> None:
        """Tell once of a state in which a person decides, or has to know that others do."""
        state = TradeState(trade["state"])
        # What a remedy brings about is no other state.
        stage = f"{state} with a remedy" if deliveries.is_relayed(trade, deliveries.REMEDY) else str(state)
        if state not in _FOR_PEOPLE or (trade["id"], stage) in self._told:
            return
        self._told.add((trade["id"], stage))
        me = Actor.SELLER if trade["seller"] == self._market.address else Actor.BUYER
        mine = [function for function, actors in next_acts_of(trade).items() if me in actors]
        what = f"a person must decide: {' or '.join(mine)}" if mine else "others decide"
        self._report(trade["id"], f"{stage}: {what}, until {trade.get('deadline')}")

    def _keep_proofs(self) -> None:
        """Keep the proof of each notice once its entry on the board is anchored; tell of promises that are broken."""
        for name in proofs.waiting(self._vault):
            if self._ending:
                return
            if not self._patience.over(name, "proof"):
                continue
            # Its anchor takes some seconds, and may take as long as the receipt says.
            self._patience.fail(name, "proof")
            trade, told = name.partition("-")[0], ""
            try:
                state = proofs.obtain(self._market, self._vault, name).state(self._market.now())
                told = _BROKEN.get(state, "")
            except (ClientError, MarketError) as error:
                told = f"the proof of your notice: {error}"
            if told and (name, told) not in self._told:
                self._told.add((name, told))
                self._report(trade, told)

    def _advance(self, trade: dict[str, Any]) -> int:
        act = self._turn(trade)
        if act is None:
            return 0
        name, function = act
        if not self._patience.over(trade["id"], name):
            return 0
        try:
            told = function(trade)
        except (ClientError, MarketError, OSError) as error:
            # Overtaken by itself before a restart, or a party's own mistake: the other trades go on either way.
            hopeless = isinstance(error, ClientError) and error.code in _HOPELESS
            if not (isinstance(error, ClientError) and error.retryable):
                self._patience.fail(trade["id"], name, for_good=hopeless)
            advice = f"; a person must dispute it until {trade.get('deadline')}" if hopeless else ""
            self._report(trade["id"], f"{name}: {error}{advice}")
            return 0
        self._patience.rest(trade["id"], name)
        self._report(trade["id"], f"{name}: {told}" if told else name)
        return 1

    def _turn(self, trade: dict[str, Any]) -> Turn | None:
        state = TradeState(trade["state"])
        if trade["seller"] == self._market.address:
            return {
                TradeState.PAID: ("charge", self._charge),
                TradeState.FUNDED: ("send", self._send),
                TradeState.UPLOADED: ("upload", self._send) if self._unsent(trade) else None,
            }.get(state)
        return {
            TradeState.SENT: ("receive", self._receive),
            TradeState.RECEIVED: ("notice", self._notice) if self._unanswered(trade) else None,
            TradeState.MATCHED: ("confirm", self._confirm),
        }.get(state)

    def _unsent(self, trade: dict[str, Any]) -> bool:
        return deliveries.package_file(self._folders.packages, trade["id"]).exists()

    def _unanswered(self, trade: dict[str, Any]) -> bool:
        return notices.is_unanswered(self._vault, trade["id"], action="trade.ack")

    def _charge(self, trade: dict[str, Any]) -> str:
        deliveries.charge(self._market, trade)
        return ""

    def _send(self, trade: dict[str, Any]) -> str:
        deliveries.send(self._market, self._keys, self._vault, trade, self._folders.packages)
        # It is up to the relay now; until that has spoken, the upload looks like one that is to be completed.
        self._patience.rest(trade["id"], "upload")
        return ""

    def _receive(self, trade: dict[str, Any]) -> str:
        out = private_folder(self._folders.purchases) / trade["id"]
        # The folder is the agent's own: what lies there under this name is of this trade, and perhaps half done.
        received = receiving.fetch(self._market, self._vault, trade, out, self._folders.downloads, force=True)
        purchases.acknowledge(self._market, self._keys, self._vault, trade, received)
        return str(received.verdict)

    def _notice(self, trade: dict[str, Any]) -> str:
        # The ledger has the verdict, by a gateway that could not hand the notice on to the platform.
        notices.finish(self._market, self._vault, trade["id"], action="trade.ack")
        return ""

    def _confirm(self, trade: dict[str, Any]) -> str:
        purchases.confirm(self._market, trade["id"])
        return ""

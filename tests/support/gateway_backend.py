"""A backend of the contract suite behind the Gateway services of peers, whoever's peers these are."""

import json
from collections.abc import Mapping
from typing import Any

from countermark.network.client import CommitStatus, Endorsed, EndorseError, EvaluateError, GatewayClient
from countermark.network.envelopes import Proposal
from tests.support.backends import Committed
from tests.support.clock import now_ms
from tests.support.market import PLATFORM, SUPERVISOR, TRADER

Client = tuple[str, str]
"""MSP and organisational unit."""

UNITS = {"client": "gateway", "admin": "admin"}
"""Which member of an organisation has which unit."""

ALSO_ASKED: Mapping[str, tuple[str, ...]] = {TRADER: (PLATFORM,)}
"""Whose gateways clients of an organisation ask too: those through which their transient data may go."""


class OverGateways:
    """One market on a channel; its clock stands still but for `wait`, as in memory, so peers must take any time.

    With `live`, it goes as clocks do, and nobody can make time pass.
    """

    def __init__(
        self,
        clients: Mapping[Client, GatewayClient],
        market: str = "market/countermark",
        *,
        live: bool = False,
    ) -> None:
        self.market = market
        self.clients = clients
        self._stands_at_ms = None if live else now_ms()

    @property
    def now_ms(self) -> int:
        return now_ms() if self._stands_at_ms is None else self._stands_at_ms

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed:
        client, endorsed = self.hold(msp, function, *args, transient=transient, unit=unit)
        self.commit(client, endorsed)
        return Committed(endorsed.tx_id, json.loads(endorsed.result))

    def evaluate(self, msp: str, function: str, *args: str) -> Any:
        try:
            return json.loads(self.clients[msp, "client"].evaluate(function, args))
        except EvaluateError as error:
            raise error.market_error or error from None

    def hold(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> tuple[GatewayClient, Endorsed]:
        client = self.clients[msp, unit]
        proposal = client.prepare(function, args, transient, now_ms=self.now_ms)
        try:
            return client, self.endorse(client, proposal, (PLATFORM, SUPERVISOR) if transient else ())
        except EndorseError as error:
            raise error.market_error or error from None

    def release(self, envelope: object) -> str:
        assert isinstance(envelope, tuple)
        return self.finish(*envelope).code_name

    def wait(self, seconds: float) -> None:
        assert self._stands_at_ms is not None, "nobody can make time pass"
        self._stands_at_ms += round(seconds * 1000)

    def endorse(self, client: GatewayClient, proposal: Proposal, organisations: tuple[str, ...] = ()) -> Endorsed:
        return client.endorse_proposal(proposal, endorsing_organisations=organisations)

    def commit(self, client: GatewayClient, endorsed: Endorsed) -> None:
        self.finish(client, endorsed).check()

    def finish(self, client: GatewayClient, endorsed: Endorsed) -> CommitStatus:
        """Submit, and return how the transaction ended."""
        client.submit(endorsed.tx_id, endorsed.envelope)
        return client.commit_status(endorsed.tx_id)

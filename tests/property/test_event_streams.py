"""Event streams that break anywhere, on two gateways: what was read, put together, is what happened, each once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.gateway.bell import Bell
from countermark.gateway.events import EventStream, EventStreams
from countermark.platform.contracts.publication import NEVER_PUBLIC
from countermark.platform.store import channels, tables
from countermark.platform.store.engine import Database
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.platform.store.sql import delete, insert
from countermark.platform.views import events
from tests.fixtures.postgres import fresh_database
from tests.support.sizes import size

ME, OTHER = "did:key:me", "did:key:other"


@pytest.fixture(scope="module")
def shared_database(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[Database]:
    yield from fresh_database(postgres_server, migrated_template)


@pytest.fixture(scope="module")
def gateways(shared_database: Database) -> Iterator[list[EventStreams]]:
    bells = [Bell(shared_database) for _ in range(2)]
    yield [EventStreams(database=shared_database, bell=bell, most=1) for bell in bells]
    for bell in bells:
        bell.close()


def row(number: int, event: dict[str, Any]) -> dict[str, Any]:
    seq = number << 20
    return {**event, "seq": seq, "block": number, "tx_id": f"t{number}", "subject": "s", "payload": {}, "time_ms": 0}


def visible(event: dict[str, Any]) -> bool:
    public = event["name"].startswith("listing.") and event["state"] not in NEVER_PUBLIC
    return public or ME in event["parties"]


@dataclass
class Client:
    """Reads events from one gateway after the other; what had come but was not read is lost with the connection."""

    gateways: list[EventStreams]
    seen: list[int] = field(default_factory=list)
    last_id: int = 0
    stream: EventStream | None = None

    def connect(self, gateway: int) -> None:
        self.close()
        self.stream = self.gateways[gateway].open(ME, last_id=self.last_id)
        self._pieces = iter(self.stream)
        assert next(self._pieces) == b": open\n\n"
        self._waiting: list[int] = []

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()
        self.stream = None

    def read(self, count: int) -> None:
        """Read `count` events, which have happened."""
        for _ in range(count):
            while not self._waiting:
                self._waiting = list(_numbers(next(self._pieces)))
            self.last_id = self._waiting.pop(0)
            self.seen.append(self.last_id)


def _numbers(piece: bytes) -> Iterator[int]:
    for frame in piece.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines() if not line.startswith(":"))
        if fields:
            assert int(fields["id"]) == json.loads(fields["data"])["seq"]
            yield int(fields["id"])


_events = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["listing.create", "listing.charge", "trade.pay", "coin.transfer"]),
        "state": st.sampled_from(["PENDING_FEE", "LISTED", "PAID"]),
        "parties": st.sampled_from([[], [ME], [OTHER], [ME, OTHER]]),
    }
)
_steps = st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 6))
"""To which gateway to connect, how many events happen then, and how many of what is there to read."""


@pytest.mark.parametrize("batch", [2, events.BATCH])
def test_stream_goes_on_at_any_gateway_without_loss_and_without_repetition(
    shared_database: Database, gateways: list[EventStreams], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(events, "BATCH", batch)

    @settings(max_examples=size(60, 2000))
    @given(happening=st.lists(_events, max_size=25), steps=st.lists(_steps, max_size=8))
    def check(happening: list[dict[str, Any]], steps: list[tuple[int, int, int]]) -> None:
        with shared_database.begin() as connection:
            connection.execute(delete(tables.events))
        rows = [row(number, event) for number, event in enumerate(happening, start=1)]
        told = [one["seq"] for one in rows if visible(one)]
        client, coming, happened = Client(gateways), iter(rows), 0
        for gateway, more, most in [*steps, (0, len(rows), 0)]:
            client.connect(gateway)
            for one in [one for _, one in zip(range(more), coming, strict=False)]:
                with shared_database.begin() as connection:
                    connection.execute(insert(tables.events), one)
                    channels.notify(connection, channels.BLOCKS, str(one["block"]))
                happened = one["seq"]
            there = sum(client.last_id < seq <= happened for seq in told)
            client.read(min(most, there))
        client.read(sum(seq > client.last_id for seq in told))
        client.close()
        assert client.seen == told
        # The place of each client that has gone is free.
        assert [gateway.running for gateway in gateways] == [0, 0]

    check()

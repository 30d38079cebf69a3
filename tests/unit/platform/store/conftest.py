"""What tests of the outbox share."""

import pytest

from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Outbox, Submitter
from tests.fixtures.ledger import Channel, MemoryLedger
from tests.support.outbox_setting import BOX, Setting, counter


@pytest.fixture
def setting(database: Database, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr("countermark.platform.store.outbox.ordering.PROBE_S", 0.01)
    channel = Channel(counter)
    ledger = MemoryLedger(channel)
    outbox = Outbox(ledger, BOX)
    return Setting(database, channel, ledger, outbox, Submitter(database, ledger, outbox))

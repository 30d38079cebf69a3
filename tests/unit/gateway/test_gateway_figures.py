"""The figures of gateway and worker: each moves with what it counts, and what cannot be read hides no other."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from countermark.cli.up.ports import free_ports
from countermark.client import account
from countermark.gateway.bell import Bell
from countermark.gateway.loops import Loop
from countermark.gateway.metrics import Metrics, certificates
from countermark.gateway.metrics.calls import MeteredLedger
from countermark.gateway.metrics.endpoint import LOOPBACK, Address, Endpoint
from countermark.gateway.metrics.loops import LoopFigures
from countermark.gateway.metrics.standing import Standing
from countermark.network.identities.authorities import CertificateAuthority
from countermark.platform import ports
from countermark.platform.observing import figures
from countermark.platform.ports import UnavailableError
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox import Outbox, Submitter
from countermark.platform.store.sql import text
from countermark.protocol.errors import ErrorCode, MarketError
from tests.fixtures.ledger import Channel, MemoryLedger, once
from tests.support.front import Front
from tests.support.market import refused
from tests.support.outbox_setting import BOX, Setting, counter, request
from tests.support.scraped import Scraped
from tests.unit.gateway.conftest import Sale


def scrape(front: Front) -> Scraped:
    return Scraped.of(front.raw().get("/metrics").text)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def now(metrics: Metrics) -> Scraped:
    return Scraped.of(metrics.text())


# Where the platform stands


def test_ledger_and_tables_are_counted_and_the_lag_between_them(front: Front) -> None:
    front.raw().get("/healthz")
    at_first = scrape(front)
    assert (at_first("ledger_up"), at_first("database_up")) == (1, 1)
    assert at_first("projected_blocks") == at_first("ledger_blocks") == len(front.channel.blocks_made)
    assert (at_first("projector_lag_blocks"), at_first("projector_lag_seconds")) == (0, 0)
    front.channel.projector = None
    front.channel.now_ms -= 100_000  # what the tables miss has been there for a while
    for number in range(3):
        front.world.market.mint(front.world.market.buyer, number + 1)
    behind = scrape(front)
    assert behind("projector_lag_blocks") == 3
    assert 99 <= behind("projector_lag_seconds") < 1000


def test_a_ledger_that_is_away_takes_its_own_figures_with_it(front: Front) -> None:
    front.channel.away = True
    found = scrape(front)
    assert (found("ledger_up"), found("database_up")) == (0, 1)
    assert not found.has("ledger_blocks")
    assert not found.has("projector_lag_blocks"), "an old figure would look like a good one"
    assert found.has("open_transactions")


def test_a_database_that_is_away_takes_its_own_figures_with_it(front: Front) -> None:
    front.services.database._url = front.services.database._url.set(database="nowhere")
    front.services.database.close()
    found = scrape(front)
    assert (found("ledger_up"), found("database_up")) == (1, 0)
    assert not found.has("open_transactions")
    assert found.has("requests_total", method="GET", route="/metrics", status="200") is False
    assert found.has("ledger_blocks")


def test_tables_that_are_gone_do_not_break_the_scrape(front: Front) -> None:
    with front.services.database.begin() as connection:
        connection.execute(text("DROP TABLE checkpoint"))
    assert scrape(front)("database_up") == 0


def test_a_scrape_does_not_wait_for_a_database_that_hangs_and_asks_it_no_second_time(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, asked = threading.Event(), []

    def hang(*_: object, **__: object) -> Any:
        asked.append(1)
        assert release.wait(60)
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "too late")

    monkeypatch.setattr(figures, "read", hang)
    monkeypatch.setattr("countermark.gateway.metrics.standing.LONGEST_S", 0.2)
    for _ in range(3):
        assert scrape(front)("database_up") == 0
    assert len(asked) == 1
    release.set()
    monkeypatch.undo()
    while not scrape(front)("database_up"):  # the answer that came too late is gone with the next look
        pass


def test_a_block_whose_date_cannot_be_had_leaves_the_blocks_alone_known(front: Front) -> None:
    class Dateless:
        def height(self, *, timeout_s: float = 2.0) -> int:
            return 1_000_000

        def dated_ms(self, number: int, *, timeout_s: float = 2.0) -> int | None:
            raise UnavailableError("", "the peer has gone")

    metrics = Metrics()
    metrics.add(Standing(front.services.database, Dateless(), front.services.clock))
    found = now(metrics)
    assert found("projector_lag_blocks") == 1_000_000 - len(front.channel.blocks_made)
    assert not found.has("projector_lag_seconds")


def test_open_requests_and_their_age_are_shown(front: Front) -> None:
    front.channel.away = True
    buyer = front.trader("buyer")
    http = front.raw()
    answer = http.post(
        "/v1/accounts",
        json={"intent": buyer.market.sign("account.open", {"encryption_key": encryption_key(buyer)})},
    )
    assert answer.status_code == 202
    with front.services.database.begin() as connection:
        connection.execute(tables.outbox.update().values(created_ms=tables.outbox.c.created_ms - 70_000))
    found = scrape(front)
    assert found("open_transactions") == 1
    assert 70 <= found("outbox_oldest_age_seconds") < 1000
    assert found("transaction_retries_total", code="ledger_unavailable") == 1


def encryption_key(who: Any) -> dict[str, Any]:
    version, key = who.keys.current_encryption
    return {"version": version, "key": key.public}


def test_what_tables_hold_is_shown_by_state_and_kind(sale: Sale) -> None:
    sale.pay()
    found = scrape(sale.front)
    assert found("running_trades", state="PAID") == 1
    assert found("deadlines_pending", kind="trade") == 1
    assert found("deadlines_overdue", kind="trade") == 0
    assert found("webhooks", state="waiting") == 0


# What this process does


def test_calls_to_the_ledger_and_outcomes_are_timed_by_phase_and_function(front: Front) -> None:
    buyer = front.trader("buyer")
    account.fund(buyer.market, "500", "deposit-1")
    found = scrape(front)
    for phase in ("endorse", "submit", "commit_status"):
        assert found("ledger_calls_total", phase=phase, result="answered") >= 1
        assert found("ledger_call_seconds_count", phase=phase) >= 1
    assert found("transaction_seconds_count", function="coin.mint", state="committed") == 1


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (ports.RefusedError("tx", MarketError(ErrorCode.WRONG_STATE)), "refused"),
        (ports.UnavailableError("tx", "away"), "unavailable"),
        (ports.OutcomeUnknownError("tx", "lost"), "unknown"),
        (RuntimeError("a defect"), "failed"),
    ],
)
def test_calls_that_fail_are_counted_by_how(metrics: Metrics, error: Exception, result: str) -> None:
    class Failing:
        def submit(self, tx_id: str, envelope: bytes, *, timeout_s: float) -> None:
            raise error

    ledger = MeteredLedger(Failing(), metrics.calls)  # type: ignore[arg-type]  # as much of a ledger as is asked
    with pytest.raises(type(error)):
        ledger.submit("tx", b"")
    assert now(metrics)("ledger_calls_total", phase="submit", result=result) == 1


@pytest.fixture
def setting(database: Database, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr("countermark.platform.store.outbox.ordering.PROBE_S", 0.01)
    channel = Channel(counter)
    ledger = MemoryLedger(channel)
    outbox = Outbox(ledger, BOX)
    return Setting(database, channel, ledger, outbox, Submitter(database, ledger, outbox, metrics.outbox))


def test_conflicts_are_counted_by_their_code(setting: Setting, metrics: Metrics) -> None:
    assert now(metrics)("transaction_retries_total", code="MVCC_READ_CONFLICT") == 0, "there before the first one"

    def interfere(tx_id: str) -> None:
        del setting.ledger.before["submit"]
        setting.channel.invoke("TraderMSP", "add", f"other {tx_id}")

    setting.ledger.before["submit"] = interfere
    setting.submitter.request(request(), wait_s=5)
    found = now(metrics)
    assert found("transaction_retries_total", code="MVCC_READ_CONFLICT") == 1
    assert found("transaction_seconds_count", function="add", state="committed") == 1
    assert not found.has("transaction_seconds_count", function="add", state="invalid"), "the request was not"


def test_an_answer_that_is_lost_puts_an_outcome_in_doubt_until_the_ledger_says_it(
    setting: Setting, metrics: Metrics
) -> None:
    lost = ports.OutcomeUnknownError("tx", "the answer was lost")
    setting.ledger.holding = True
    setting.ledger.after["submit"] = once(lost)
    waiting = setting.submitter.request(request(), wait_s=0.2)
    found = now(metrics)
    assert (found("outcomes_unknown_total"), found("outcomes_resolved_total")) == (1, 0)
    assert found("transaction_retries_total", code="outcome_unknown") == 1
    setting.ledger.cut()
    setting.expire_leases()
    setting.submitter.run_once()
    assert setting.submitter.wait(waiting.tx_id, timeout_s=0).final
    found = now(metrics)
    assert (found("outcomes_unknown_total"), found("outcomes_resolved_total")) == (1, 1)


def test_an_outcome_that_is_known_at_once_was_never_in_doubt(setting: Setting, metrics: Metrics) -> None:
    setting.submitter.request(request(), wait_s=5)
    found = now(metrics)
    assert (found("outcomes_unknown_total"), found("outcomes_resolved_total")) == (0, 0)


def test_turns_of_loops_are_counted_by_how_they_ended(database: Database, metrics: Metrics) -> None:
    def fail() -> None:
        raise MarketError(ErrorCode.DATABASE_UNAVAILABLE, "away")

    loop_figures, bell = LoopFigures(metrics), Bell(database)
    steps: dict[str, Callable[[], None]] = {"good": lambda: None, "bad": fail}
    loops = {name: Loop(name, step, every_s=1, bell=bell, figures=loop_figures) for name, step in steps.items()}
    assert now(metrics)("loop_turns_total", loop="bad", result="failed") == 0
    for loop in loops.values():
        loop.attempt()
    found = now(metrics)
    assert found("loop_turns_total", loop="good", result="done") == 1
    assert found("loop_turns_total", loop="bad", result="failed") == 1
    bell.close()


def test_the_end_of_a_certificate_is_shown(metrics: Metrics, tmp_path: Path) -> None:
    pair = CertificateAuthority.create("tlsca", "gateway.example").issue_tls("gateway", ["localhost"])
    path = tmp_path / "cert.pem"
    path.write_bytes(pair.certificate_pem)
    certificates.watch(metrics, {"gateway": path})
    ends = x509.load_pem_x509_certificate(pair.certificate_pem).not_valid_after_utc.timestamp()
    assert now(metrics)("certificate_expiry_timestamp_seconds", certificate="gateway") == ends


def test_what_is_no_certificate_is_named(metrics: Metrics, tmp_path: Path) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST) as caught:
        certificates.watch(metrics, {"gateway": tmp_path / "absent.pem"})
    assert "absent.pem" in str(caught.value)


# The worker's endpoint


@pytest.fixture
def endpoint(metrics: Metrics) -> Iterator[Address]:
    address = Address(LOOPBACK, free_ports(1)[0])
    serving = Endpoint(metrics, address)
    yield address
    serving.stop()


def test_the_endpoint_serves_what_the_registry_has_until_it_is_stopped(metrics: Metrics) -> None:
    address = Address(LOOPBACK, free_ports(1)[0])
    serving = Endpoint(metrics, address)
    metrics.outbox.retried("clock_skewed")
    found = Scraped.of(httpx.get(f"http://{address}/metrics").text)
    assert found("transaction_retries_total", code="clock_skewed") == 1
    assert any(name.startswith("process_") for name in found.names)
    serving.stop()
    with socket.socket() as probe:
        assert probe.connect_ex((address.host, address.port)) != 0


def test_a_port_that_is_taken_is_named(metrics: Metrics, endpoint: Address) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST) as caught:
        Endpoint(metrics, endpoint)
    assert str(endpoint) in str(caught.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("127.0.0.1:9464", Address("127.0.0.1", 9464)),
        ("9464", Address(LOOPBACK, 9464)),
        (":9464", Address(LOOPBACK, 9464)),
        ("[::1]:9464", Address("::1", 9464)),
        ("worker.example:9464", Address("worker.example", 9464)),
    ],
)
def test_an_address_without_a_host_is_loopback(given: str, address: Address) -> None:
    assert Address.parse(given) == address


@pytest.mark.parametrize("given", ["", "host", "host:", "host:0", "host:65536", "host:-1", "host:٣", 9464, None])
def test_what_is_no_address_is_refused(given: object) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        Address.parse(given)

"""The same intent many times at once, through two gateways of which one is killed: one effect, and one answer.

Both gateways are processes on one database and one ledger. What a copy is answered is compared byte for byte with
what every other copy was answered, whichever gateway it met and whether that had been killed meanwhile; then the
ledger is counted.
"""

import itertools
import json
import secrets
import shutil
import signal
import ssl
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from countermark.network.ports import free_ports
from countermark.platform.store import tables
from countermark.platform.store.engine import Database
from countermark.platform.store.outbox.entry import OPEN_STATES
from countermark.platform.store.sql import func, select, update
from countermark.protocol import intents
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode
from tests.support import figures
from tests.support.processes import Process
from tests.support.remote import RemoteTrader
from tests.support.sizes import size
from tests.support.whole_platform import Platform

INTENTS, COPIES = size(50, 1000), size(20, 50)
ROUND = 50
"""Intents sent at once; in each round a gateway is killed."""

THREADS = 24
PAYERS, MONEY = 8, 10_000_000
MARKET = "market/countermark"


class SecondGateway:
    """Another gateway process on the database and the ledger of a platform."""

    def __init__(self, platform: Platform) -> None:
        config = json.loads((platform.data / "gateway" / "config.json").read_text())
        (config["port"],) = free_ports(1)
        self._config = platform.data / "gateway" / "second.json"
        self._config.write_text(json.dumps(config))
        self.url = f"https://127.0.0.1:{config['port']}"
        self.start()

    def start(self) -> None:
        module = [sys.executable, "-m", "countermark.gateway.server", "--config", str(self._config)]
        self._process = Process(module)
        self._process.wait_line("gateway ready at")

    def end(self, number: int = signal.SIGTERM) -> None:
        self._process.end(number)


@dataclass(frozen=True)
class Case:
    """One intent: who signs it, where it is posted, and how it must end."""

    signer: AccountKey
    resource: str
    action: str
    params: Mapping[str, Any]
    status: int = 200
    code: str = ""
    nonce: str = field(default_factory=intents.new_nonce)

    def token(self, **changes: Any) -> str:
        return intents.sign(
            self.signer,
            market=MARKET,
            action=self.action,
            params={**self.params, **changes},
            issued_at_ms=time.time_ns() // 1_000_000,
            nonce=self.nonce,
        )

    @property
    def path(self) -> str:
        return f"/v1/accounts/{self.signer.address}/{self.resource}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass
class Pair:
    """Two gateways, and accounts with money."""

    platform: Platform
    second: SecondGateway
    database: Database
    payers: list[RemoteTrader]

    def __post_init__(self) -> None:
        context = ssl.create_default_context(cafile=str(self.platform.ca_file))
        self._clients = {
            url: httpx.Client(base_url=url, verify=context, timeout=90, limits=httpx.Limits(max_connections=THREADS))
            for url in (self.platform.url, self.second.url)
        }

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    @property
    def urls(self) -> tuple[str, str]:
        return self.platform.url, self.second.url

    def post(self, url: str, path: str, token: str) -> Answer | None:
        """The final answer to one copy; None when the gateway went away."""
        while True:
            try:
                response = self._clients[url].post(path, json={"intent": token}, headers={"Prefer": "wait=20"})
            except httpx.TransportError:
                return None
            if response.status_code != 202:
                return Answer(response.status_code, response.text)

    def let_leases_end(self) -> None:
        """Bring the present to where a minute has passed in which a dead gateway kept rows from others."""
        with self.database.begin() as connection:
            rows = tables.outbox.c.state.in_(OPEN_STATES)
            connection.execute(update(tables.outbox).where(rows).values(lease_until_ms=0))

    def count(self, query: Any) -> int:
        with self.database.begin() as connection:
            return int(connection.execute(query).scalar_one())


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="countermark-same-"))
    platform = Platform(folder / "data")
    platform.start()
    second = SecondGateway(platform)
    database = Database((platform.data / "database-url").read_text().strip())
    try:
        with ThreadPoolExecutor(PAYERS) as pool:
            payers = list(pool.map(lambda n: RemoteTrader(platform, folder / f"payer{n}", MONEY), range(PAYERS)))
        with closing(Pair(platform, second, database, payers)) as made:
            yield made
    finally:
        database.close()
        second.end()
        assert platform.stop() == 0
        platform.discard()
        shutil.rmtree(folder)


def cases(pair: Pair) -> Iterator[Case]:
    """Intents of every kind that two accounts can mean at once, some of which the ledger or the gateway refuses."""
    nobody = AccountKey.generate().address
    for number in itertools.count(1):
        payer = pair.payers[number % PAYERS].keys.account
        payee = pair.payers[(number + 3) % PAYERS].keys.account.address
        match number % 10:
            case 7:
                yield Case(payer, "cancellations", "intent.cancel", {"nonce": intents.new_nonce()})
            case 8:
                params = {"to": nobody, "amount": "1"}
                yield Case(payer, "transfers", "coin.transfer", params, 404, ErrorCode.UNKNOWN_ACCOUNT)
            case 9:
                params = {"to": payee, "amount": str(MONEY * PAYERS + number)}
                yield Case(payer, "transfers", "coin.transfer", params, 409, ErrorCode.INSUFFICIENT_FUNDS)
            case _:
                yield Case(payer, "transfers", "coin.transfer", {"to": payee, "amount": str(number)})


def burst(pair: Pair, batch: list[Case], tokens: list[str]) -> tuple[list[list[Answer]], int]:
    """Send all copies, kill a gateway among them, send again what was not answered; and how many that was."""
    answers: list[list[Answer]] = [[] for _ in batch]
    jobs = [(index, pair.urls[copy % 2]) for index in range(len(batch)) for copy in range(COPIES)]
    done, lost, lock = itertools.count(1), [], threading.Lock()
    due = threading.Event()

    def send(job: tuple[int, str]) -> None:
        index, url = job
        answer = pair.post(url, batch[index].path, tokens[index])
        with lock:
            if answer is None:
                lost.append(job)
            else:
                answers[index].append(answer)
            if next(done) == len(jobs) // 3:
                due.set()

    def kill() -> None:
        assert due.wait(240)
        pair.second.end(signal.SIGKILL)
        pair.let_leases_end()
        pair.second.start()

    with ThreadPoolExecutor(THREADS) as pool:
        killing = pool.submit(kill)
        list(pool.map(send, jobs))
        killing.result()
    again, dropped = list(lost), len(lost)
    lost.clear()
    # What was lost, and a copy more of everything through each gateway, the restarted one among them.
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, [*again, *((index, url) for index in range(len(batch)) for url in pair.urls)]))
    assert lost == []
    return answers, dropped


def balances(pair: Pair) -> dict[str, int]:
    return {payer.keys.account.address: payer.balance() for payer in pair.payers}


def check_round(batch: list[Case], answers: list[list[Answer]]) -> list[Answer]:
    """Each intent was answered in one way, the one that it must be answered in."""
    outcomes = []
    for case, copies in zip(batch, answers, strict=True):
        assert len(copies) == COPIES + 2
        (only,) = set(copies)
        assert (only.status, only.document.get("code", "")) == (case.status, case.code), (case, only)
        outcomes.append(only)
    return outcomes


def check_ledger(pair: Pair, committed: list[tuple[Case, Answer]]) -> None:
    """The ledger holds the transaction that was told, and no other for that intent."""
    events, used, ordered = tables.events, tables.intents, tables.transactions
    for case, answer in committed:
        txid = answer.document["txid"]
        mine = (used.c.signer == case.signer.address) & (used.c.nonce == case.nonce)
        with pair.database.begin() as connection:
            assert connection.execute(select(used.c.tx_id).where(mine)).scalars().all() == [txid]
        assert pair.count(select(func.count()).select_from(events).where(events.c.tx_id == txid)) == 1
        valid = (ordered.c.tx_id == txid) & ordered.c.valid
        assert pair.count(select(func.count()).select_from(ordered).where(valid)) == 1


def transfers_on_the_ledger(pair: Pair) -> int:
    ordered = tables.transactions
    paid = (ordered.c.function == "coin.transfer") & ordered.c.valid
    return pair.count(select(func.count()).select_from(ordered).where(paid))


@pytest.mark.slow
@pytest.mark.timeout(600 + INTENTS * COPIES // 10)
def test_same_intent_through_two_gateways_of_which_one_is_killed_has_one_effect_and_one_answer(pair: Pair) -> None:
    made, dropped, started = cases(pair), 0, time.monotonic()
    before, transfers_before = balances(pair), transfers_on_the_ledger(pair)
    committed: list[tuple[Case, Answer]] = []
    for _ in range(INTENTS // ROUND):
        batch = list(itertools.islice(made, ROUND))
        answers, cut = burst(pair, batch, [case.token() for case in batch])
        dropped += cut
        outcomes = check_round(batch, answers)
        committed += [(case, one) for case, one in zip(batch, outcomes, strict=True) if one.status == 200]
        refuse_other_bodies(pair, batch, outcomes)
    assert len({one.document["txid"] for _, one in committed}) == len(committed)
    check_ledger(pair, committed)
    moved: dict[str, int] = defaultdict(int)
    paid = [case for case, _ in committed if case.action == "coin.transfer"]
    for case in paid:
        moved[case.signer.address] -= int(case.params["amount"])
        moved[case.params["to"]] += int(case.params["amount"])
    assert balances(pair) == {address: money + moved[address] for address, money in before.items()}
    assert transfers_on_the_ledger(pair) == transfers_before + len(paid)
    figures.show(
        f"same intent: {INTENTS} x {COPIES} copies through two gateways, {INTENTS // ROUND} kills, {dropped} answers "
        f"lost, {len(committed)} effects, 0 answers differ ({time.monotonic() - started:.0f} s)"
    )


def refuse_other_bodies(pair: Pair, batch: list[Case], outcomes: list[Answer]) -> None:
    """Another payload under a nonce that was used is refused by both gateways."""
    for case, outcome in zip(batch, outcomes, strict=True):
        if case.code == ErrorCode.INSUFFICIENT_FUNDS:
            continue  # nothing was saved or signed for it: the nonce is still free
        change = {"nonce": b64u(secrets.token_bytes(16))} if case.action == "intent.cancel" else {"amount": "2000000"}
        for url in pair.urls:
            other = pair.post(url, case.path, case.token(**change))
            assert other is not None
            assert (other.status, other.document["code"]) == (409, ErrorCode.INTENT_REPLAYED), (case, outcome)


@pytest.mark.slow
def test_of_two_bodies_under_one_nonce_at_the_same_moment_one_has_an_effect(pair: Pair) -> None:
    payer, payee = pair.payers[0], pair.payers[1]
    before, races = payer.balance(), size(5, 50)
    spent = 0
    for _ in range(races):
        case = Case(
            payer.keys.account, "transfers", "coin.transfer", {"to": payee.keys.account.address, "amount": "1"}
        )
        tokens = {amount: case.token(amount=str(amount)) for amount in (1, 2)}

        def send(job: tuple[int, str], case: Case = case, tokens: dict[int, str] = tokens) -> tuple[int, Answer]:
            amount, url = job
            answer = pair.post(url, case.path, tokens[amount])
            assert answer is not None
            return amount, answer

        with ThreadPoolExecutor(16) as pool:
            ended = list(pool.map(send, itertools.islice(itertools.product((1, 2), pair.urls * 4), 16)))
        (winner,) = {amount for amount, answer in ended if answer.status == 200}
        assert len({answer for amount, answer in ended if amount == winner}) == 1
        refused = {(one.status, one.document["code"]) for amount, one in ended if amount != winner}
        assert refused == {(409, ErrorCode.INTENT_REPLAYED)}
        spent += winner
    assert payer.balance() == before - spent

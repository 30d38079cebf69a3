"""Thousands of made-up requests to every operation of the API: whatever is asked, the answer is a described one.

The requests come from the OpenAPI document; intents are signed, reads too, messages sealed, and ids are those of a
market in use, so that most requests get as far as the rules behind the parsers (`tests/support/openapi`).
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from countermark.gateway.app import describe
from countermark.gateway.limits import Limits
from countermark.platform.store.postgres import EmbeddedPostgres
from tests.fixtures.postgres import fresh_database
from tests.support.figures import show
from tests.support.front import Front
from tests.support.market import actor
from tests.support.openapi.fuzzer import Fuzzer
from tests.support.openapi.tally import Tally
from tests.support.sizes import size

CASES = size(3_000, 100_000)
LEAST_PASSED = 0.30
MOST_PER_MARKET = 3_500
"""After how many requests a new market is founded: tables and ledger in memory do not grow for ever."""

OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in describe()["paths"].items()
    for method, operation in operations.items()
}


def _weight(label: str) -> int:
    """How many requests an operation gets, beside others: by how much there is to vary."""
    operation = OPERATIONS[label]
    return 1 + 2 * len(operation.get("parameters", [])) + 6 * ("requestBody" in operation)


def _cases(label: str) -> int:
    return -(-CASES * _weight(label) // sum(map(_weight, OPERATIONS)))


class Run:
    """What became of each operation, on one market after another."""

    def __init__(self, markets: Iterator[Fuzzer]) -> None:
        self._markets = markets
        self.fuzzer = next(markets)
        self._sent = 0
        self._tallies: dict[str, Tally] = {}

    def tally(self, label: str) -> Tally:
        """What came of the requests of `label`, which are sent when this is first asked."""
        if label not in self._tallies:
            if self._sent > MOST_PER_MARKET:
                self.fuzzer, self._sent = next(self._markets), 0
            self._tallies[label] = self.fuzzer.run(label, _cases(label))
            self._sent += self._tallies[label].cases
        return self._tallies[label]


def _markets(server: EmbeddedPostgres, template: str, folders: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    while True:
        for database in fresh_database(server, template):
            with closing(Front(database, folders.mktemp("fuzz"), limits=Limits(account=1_000_000))) as front:
                yield Fuzzer(front)


@pytest.fixture(scope="module")
def run(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    with closing(_markets(postgres_server, migrated_template, tmp_path_factory)) as markets:
        yield Run(markets)


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_is_described(run: Run, label: str) -> None:
    assert not run.tally(label).failures


@pytest.mark.parametrize("label", OPERATIONS)
def test_who_asks_as_he_should_is_answered(run: Run, label: str) -> None:
    tally = run.tally(label)
    assert tally.succeeded, (
        f"{label} answered {dict(tally.statuses)}, and nobody with success: give its members examples in the schema, "
        "or fill its body in tests/support/openapi/completion.py"
    )


def _fails(*_: object, **__: object) -> None:
    raise RuntimeError("a defect")


def _tells_the_key(*_: object, **__: object) -> dict[str, str]:
    return {"key": actor("buyer").key.to_bytes().hex()}


def _forgets_a_member(*_: object, **__: object) -> dict[str, str]:
    return {"address": actor("buyer").address}


@pytest.mark.parametrize("defect", [_fails, _tells_the_key, _forgets_a_member])
def test_defect_is_found(run: Run, monkeypatch: pytest.MonkeyPatch, defect: Callable[..., Any]) -> None:
    """Whoever looks for defects and finds none must show that he would have."""
    monkeypatch.setattr("countermark.platform.views.accounts.load_account", defect)
    assert run.fuzzer.run("GET /v1/accounts/{address}", 5).failures


def test_made_up_requests_get_past_authentication_and_parsing(run: Run) -> None:
    tallies = [run.tally(label) for label in OPERATIONS]
    cases, passed = sum(one.cases for one in tallies), sum(one.passed for one in tallies)
    succeeded = sum(bool(one.succeeded) for one in tallies)
    show(
        f"OpenAPI: {cases} requests, {passed / cases:.0%} of them past authentication and parsing; "
        f"{succeeded} of {len(tallies)} operations answered with success"
    )
    assert cases >= CASES
    assert passed / cases >= LEAST_PASSED

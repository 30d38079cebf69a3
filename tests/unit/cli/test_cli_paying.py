"""`--pay`: a search above the free quota, on the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countermark.platform.matching.allowance import Allowance
from countermark.platform.store.engine import Database
from countermark.platform.store.quotas import Quota
from tests.support.front import Front
from tests.unit.cli.conftest import Party


@pytest.fixture
def front(database: Database, tmp_path: Path) -> Iterator[Front]:
    """A gateway whose search is free once."""
    front = Front(database, tmp_path, allowance=Allowance(inquiries=Quota("search", most=1, window_ms=10**12)))
    yield front
    front.close()


@pytest.mark.requirement("A-31")
@pytest.mark.parametrize("command", [("search",), ("listing", "trace")], ids=["search", "trace"])
def test_nothing_is_paid_without_the_option_or_for_what_is_free(
    party: Callable[[str], Party], front: Front, command: tuple[str, ...]
) -> None:
    buyer = party("buyer")
    asked = (*command, front.photograph)
    assert "paid" not in buyer.done(*asked, "--pay", "--json").json
    refusal = buyer(*asked)
    assert refusal.status != 0
    assert "10 minor units" in refusal.err
    assert buyer(*asked, "--pay", "--dry-run").status != 0
    assert buyer.done("account", "show", "--json").json["balance"] == "50000"
    paid = buyer.done(*asked, "--pay", "--json").json
    assert paid["paid"] == "10"
    assert len(paid["payment"]) == 64
    assert buyer.done("account", "show", "--json").json["balance"] == "49990"
    assert "paid 10 by transaction" in buyer.done(*asked, "--pay").err

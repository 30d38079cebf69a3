"""Records: the fast encoder writes canonical JSON, and what is read back is what was written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.chaincode import state
from countermark.chaincode.records.account import Account
from countermark.chaincode.records.listing import Listing
from countermark.chaincode.records.proposal import Proposal
from countermark.chaincode.records.redemption import Redemption
from countermark.chaincode.records.trade import Trade
from countermark.protocol import canonical
from tests.support.backends import InMemory
from tests.support.market import PATHS, Market

NAMES = st.text(st.characters(codec="ascii"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_encoder_of_records_is_the_canonical_one(record: dict[str, Any]) -> None:
    assert state.encode(record) == canonical.dumps(record)
    assert state.decode(state.encode(record)) == record


@pytest.fixture(scope="module")
def world() -> dict[str, bytes]:
    """The state of a market in which trades stand in every phase."""
    backend = InMemory()
    market = Market(backend, fees={"management": "0", "transaction_bps": 250, "arbiter": "400"})
    for number, phase in enumerate(PATHS):
        market.bring_to(phase, market.list_data(data=b"%d" % number)["id"])
    ended = market.bring_to("SENT", market.list_data(data=b"ended")["id"])
    market.act("trade.confirm", ended)
    coins = market.fund(market.buyer, 10)
    market.ask(market.buyer, "coin.redeem", {"issuer": "PlatformMSP", "amount": "3"}, coins)
    market.ask(market.platform, "market.propose", {"config": {**market.config, "version": 2, "bond": "900"}})
    return backend.ledger.state


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("account/", Account),
        ("listing/", Listing),
        ("market/proposal/", Proposal),
        ("redemption/", Redemption),
        ("trade/", Trade),
    ],
)
def test_record_is_written_as_it_was_read(world: dict[str, bytes], prefix: str, kind: Any) -> None:
    found = [value for key, value in world.items() if key.startswith(prefix)]
    assert found
    for value in found:
        assert state.encode(kind.from_json(state.decode(value)).to_json()) == value


def test_every_value_of_the_state_is_canonical(world: dict[str, bytes]) -> None:
    for value in world.values():
        assert canonical.dumps(json.loads(value)) == value


def test_no_key_is_a_prefix_scan_away_from_another_kind(world: dict[str, bytes]) -> None:
    kinds = {key.split("/")[0] for key in world}
    assert kinds == {
        *("account", "coin", "deposit", "epoch", "exact", "intent"),
        *("listing", "market", "redemption", "spent", "trade"),
    }

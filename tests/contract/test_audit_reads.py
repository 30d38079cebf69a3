"""Evidence: point reads, histories and pages for the market's organisations, and nothing that writes."""

import json

import pytest

from countermark.protocol.errors import ErrorCode
from tests.support.backends import InMemory
from tests.support.market import PLATFORM, SUPERVISOR, TRADER, Market, actor, refused


@pytest.mark.native_ledger
def test_pages_walk_over_all_keys_of_a_prefix(market: Market) -> None:
    made = {market.mint(market.buyer, amount) for amount in range(1, 8)}
    seen: list[str] = []
    bookmark = ""
    while True:
        page = market.backend.evaluate(SUPERVISOR, "audit.page", "coin/", "3", bookmark)
        assert len(page["items"]) <= 3
        seen += [item["key"].removeprefix("coin/") for item in page["items"]]
        bookmark = page["bookmark"]
        if not bookmark:
            break
    assert seen == sorted(made)


@pytest.mark.parametrize(
    ("prefix", "limit"),
    [
        *[("", "10"), ("coin", "10"), ("coin/", "0"), ("coin/", "1001"), ("coin/", "x"), ("coin/", "")],
        *[("coin/", "01"), ("coin/", "00001000000"), ("coin/", "00001" + "0" * 5000), ("coin/", "1" * 5000)],
        *[("coin/", "\u0661"), ("coin/", "+1"), ("coin/", "1\n")],
    ],
)
def test_page_without_prefix_or_with_a_bad_limit_is_refused(market: Market, prefix: str, limit: str) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        market.backend.evaluate(SUPERVISOR, "audit.page", prefix, limit, "")


@pytest.mark.parametrize("version", ["", "0", "01", "1000001", "1" * 5000])
def test_opening_for_a_key_without_a_proper_version_is_refused(market: Market, version: str) -> None:
    address = market.list_data()["id"]
    with refused(ErrorCode.MALFORMED_REQUEST):
        market.backend.evaluate(SUPERVISOR, "audit.opening", address, actor("reader").encryption.public, version)


def test_bookmark_of_another_prefix_is_refused(market: Market) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        market.backend.evaluate(SUPERVISOR, "audit.page", "coin/", "10", "account/")


@pytest.mark.native_ledger
@pytest.mark.requirement("R11")
def test_history_of_a_key_tells_creation_and_end_of_a_coin(market: Market) -> None:
    coin = market.mint(market.buyer, 10)
    done = market.ask(market.buyer, "coin.transfer", {"to": market.seller.address, "amount": "10"}, {"coins": [coin]})
    changes = market.backend.evaluate(SUPERVISOR, "audit.history", f"coin/{coin}")
    assert [(change["tx"], change["record"]) for change in changes] == [
        (done.tx_id, None),
        (coin.split(".")[0], {"amount": "10", "owner": market.buyer.address}),
    ]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("audit.trade", ["tr1" + "a" * 52]),
        ("audit.listing", ["dc1" + "a" * 52]),
        ("audit.account", [actor("seller").address]),
        ("audit.history", ["epoch"]),
        ("audit.page", ["coin/", "10", ""]),
        ("audit.opening", ["dc1" + "a" * 52, actor("seller").encryption.public, "1"]),
    ],
)
def test_outsider_gets_no_evidence(in_memory: InMemory, function: str, arguments: list[str]) -> None:
    Market(in_memory)
    with refused(ErrorCode.NOT_PERMITTED):
        in_memory.evaluate("OutsiderMSP", function, *arguments)


def test_unknown_subjects_have_their_own_codes(market: Market) -> None:
    for function, argument, code in (
        ("audit.listing", "dc1" + "a" * 52, ErrorCode.UNKNOWN_LISTING),
        ("audit.account", actor("nobody").address, ErrorCode.UNKNOWN_ACCOUNT),
        ("audit.account", "nobody", ErrorCode.MALFORMED_ADDRESS),
    ):
        with refused(code):
            market.backend.evaluate(SUPERVISOR, function, argument)


@pytest.mark.requirement("R18")
def test_evaluate_only_function_that_is_submitted_writes_nothing(in_memory: InMemory) -> None:
    market = Market(in_memory)
    trade_id = market.pay(market.list_data()["id"])
    before = in_memory.ledger.state
    for function, arguments in (("audit.trade", [trade_id]), ("market.show", []), ("board.show", [])):
        result = in_memory.ledger.invoke(PLATFORM, function, *arguments)
        assert not result.writes
        assert result.event is None
    assert in_memory.ledger.state == before


def test_every_writing_transaction_has_one_event_that_names_its_parties(in_memory: InMemory) -> None:
    market = Market(in_memory)
    trade_id = market.pay(market.list_data()["id"])
    event = in_memory.ledger.events[-1][1]
    assert event.name == "trade.pay"
    names = sorted([market.seller.address, market.buyer.address])
    payload = json.loads(event.payload)
    assert payload["parties"] in (names, names[::-1])
    assert {key: payload[key] for key in ("function", "id", "state")} == {
        "function": "trade.pay",
        "id": trade_id,
        "state": "PAID",
    }
    assert len(in_memory.ledger.events) == in_memory.ledger.height


def test_shows_are_for_everybody_on_the_channel(market: Market) -> None:
    for msp in (PLATFORM, SUPERVISOR, TRADER):
        for function in ("market.show", "clock.show", "board.show"):
            assert market.backend.evaluate(msp, function)

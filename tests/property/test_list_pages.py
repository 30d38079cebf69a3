"""Every list, page by page: what the filters admit, in order, nothing twice and nothing left out, as rows come in."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.platform.contracts.publication import NEVER_PUBLIC
from countermark.platform.store import tables
from countermark.platform.store.postgres import EmbeddedPostgres
from countermark.platform.store.sql import Table, delete, insert
from countermark.platform.views.cursors import LONGEST_PAGE
from countermark.protocol import canonical
from countermark.protocol.claims import ClaimState
from countermark.protocol.encoding import b64u
from countermark.protocol.transitions import ListingState, TradeState
from tests.fixtures.postgres import fresh_database
from tests.support.front import Front, Trader
from tests.support.market import actor
from tests.support.sizes import size

Row = dict[str, Any]
EXAMPLES = size(30, 1000)
WORDS = ("red", "blue", "sky")
PARTIES = [actor(name).address for name in ("buyer", "seller", "stranger")]
ME = PARTIES[0]
_DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True)
class List:
    """One list of the interface, and what its rows must be shown as.

    `id` is the column that an item shows as its own; `order` sorts rows as the list does.
    """

    path: str
    table: Table
    rows: st.SearchStrategy[Row]
    filters: st.SearchStrategy[dict[str, Any]]
    admits: Callable[[Row, Mapping[str, Any]], bool]
    order: Callable[[Row], Any]
    id: str
    shown_as: str = "id"
    items: str = "items"
    fill: Callable[[Front, Row], Row] = field(default=lambda _front, row: row)


def _listing(_front: Front, row: Row) -> Row:
    offer = {"price": str(row["price"]), "right": "ownership", "version": 1}
    record = {
        **dict.fromkeys(("c_d", "c_f", "c_exact"), _DIGEST),
        "offer": offer,
        "management_fee": "0",
        "items": 1,
        "generator": "image/v1",
        "created_at": "",
        "claimed": False,
    }
    return {**row, "record": record, "created_tx": "t", "updated_tx": "t"}


def _listing_admitted(row: Row, filters: Mapping[str, Any]) -> bool:
    state = filters.get("state", "LISTED")
    words = filters.get("q", "").casefold().split()
    return (
        (row["state"] not in NEVER_PUBLIC or ME in (row["seller"], row["owner"]))
        and state in ("any", row["state"])
        and filters.get("owner", row["owner"]) == row["owner"]
        and row["price"] <= filters.get("max_price", row["price"])
        and all(word in (row["search_text"] or "") for word in words)
    )


def _trade(_front: Front, row: Row) -> Row:
    record = {"id": row["id"], "deadline": "", "state": row["state"], "decider": "", "remedy": None}
    at = {"created_tx": "t", "updated_tx": "t", "updated_block": 0}
    return {**row, **at, "record": record, "listing": "dc1", "outcome": "", "price": 1}


def _claim(_front: Front, row: Row) -> Row:
    record = {"id": row["id"], "deadline": "", "state": row["state"], "sale": None}
    at = {"created_tx": "t", "updated_tx": "t", "updated_block": 0}
    return {**row, **at, "record": record, "listing": "dc1", "outcome": ""}


def _entry(_front: Front, row: Row) -> Row:
    given_ = {"kind": "seller_notice", "digest": f"{row['seq']}", "leaf_hash": bytes(32), "body": b"", "receipt": ""}
    return {**row, **given_, "trade": "tr1", "received_at_ms": 0, "anchored_by_ms": 0}


def _webhook(front: Front, row: Row) -> Row:
    url = front.services.box.seal(b"https://example.com/", context=f"webhooks/{row['id']}/url")
    state = {
        "state": "ACTIVE",
        "position": 0,
        "news": 0,
        "failures": 0,
        "last_error": "",
        "due_ms": 0,
        "lease_until_ms": 0,
    }
    return {**row, **state, "url": url}


def _maybe(**filters: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=filters)


_numbers = st.integers(0, 3)
_ids = st.integers(0, 0xFFFF).map(lambda number: f"{number:04x}")
_parties = st.sampled_from(PARTIES)

LISTS = {
    "listings": List(
        "/v1/listings",
        tables.data_contracts,
        st.fixed_dictionaries(
            {
                "address": _ids.map("dc1{}".format),
                "created_block": _numbers,
                "state": st.sampled_from([str(state) for state in ListingState]),
                "seller": _parties,
                "owner": _parties,
                "price": st.integers(0, 4),
                "search_text": st.none() | st.lists(st.sampled_from(WORDS), unique=True).map("\n".join),
            }
        ),
        _maybe(
            state=st.sampled_from(["any", *map(str, ListingState)]),
            owner=_parties,
            max_price=st.integers(0, 4),
            q=st.lists(st.sampled_from([*WORDS, "BLUE", "re", "%", "_"]), max_size=2).map(" ".join),
        ),
        _listing_admitted,
        lambda row: (-row["created_block"], [-ord(character) for character in row["address"]]),
        id="address",
        shown_as="address",
        fill=_listing,
    ),
    "trades": List(
        "/v1/trades",
        tables.trades,
        st.fixed_dictionaries(
            {
                "id": _ids.map("tr1{}".format),
                "created_block": _numbers,
                "state": st.sampled_from([str(state) for state in TradeState]),
                "seller": _parties,
                "buyer": _parties,
            }
        ),
        _maybe(open=st.sampled_from(["true", "false"])),
        lambda row, filters: (
            ME in (row["seller"], row["buyer"])
            and not (filters.get("open") == "true" and TradeState(row["state"]).final)
        ),
        lambda row: (-row["created_block"], [-ord(character) for character in row["id"]]),
        id="id",
        fill=_trade,
    ),
    "claims": List(
        "/v1/claims",
        tables.claims,
        st.fixed_dictionaries(
            {
                "id": _ids.map("cl1{}".format),
                "created_block": _numbers,
                "state": st.sampled_from([str(state) for state in ClaimState]),
                "claimant": _parties,
                "owner": _parties,
                "decider": _parties,
                "deadline_ms": st.none() | st.just(1),
            }
        ),
        _maybe(open=st.sampled_from(["true", "false"])),
        lambda row, filters: (
            ME in (row["claimant"], row["owner"], row["decider"])
            and not (filters.get("open") == "true" and row["deadline_ms"] is None)
        ),
        lambda row: (-row["created_block"], [-ord(character) for character in row["id"]]),
        id="id",
        fill=_claim,
    ),
    "coins": List(
        f"/v1/accounts/{ME}/coins",
        tables.coins,
        st.fixed_dictionaries(
            {
                "id": _ids,
                "owner": _parties,
                "amount": st.integers(1, 9),
                "created_tx": st.just("t"),
                "created_block": _numbers,
                "spent_tx": st.none() | st.just("t"),
            }
        ),
        _maybe(),
        lambda row, _filters: row["owner"] == ME and row["spent_tx"] is None,
        lambda row: row["id"],
        id="id",
        items="coins",
    ),
    "board": List(
        "/v1/board",
        tables.board,
        st.fixed_dictionaries({"seq": st.integers(0, 0xFFFF), "signer": _parties}),
        _maybe(),
        lambda row, _filters: row["signer"] == ME,
        lambda row: row["seq"],
        id="seq",
        shown_as="seq",
        fill=_entry,
    ),
    "webhooks": List(
        "/v1/webhooks",
        tables.webhooks,
        st.fixed_dictionaries({"id": _ids.map("wh1{}".format), "account": _parties, "created_ms": _numbers}),
        _maybe(),
        lambda row, _filters: row["account"] == ME,
        lambda row: (row["created_ms"], row["id"]),
        id="id",
        fill=_webhook,
    ),
}
every_list = pytest.mark.parametrize("what", LISTS.values(), ids=LISTS)


@pytest.fixture(scope="module")
def front(
    postgres_server: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    for database in fresh_database(postgres_server, migrated_template):
        front = Front(database, tmp_path_factory.mktemp("front"))
        yield front
        front.close()


@pytest.fixture(scope="module")
def me(front: Front) -> Trader:
    return front.trader("buyer")


def put(front: Front, what: List, rows: list[Row]) -> None:
    if rows:
        with front.services.database.begin() as connection:
            connection.execute(insert(what.table), [what.fill(front, row) for row in rows])


def get(front: Front, who: Trader, url: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
    return front.raw().send(who.http._request("GET", url, params=params))


def pages(front: Front, who: Trader, what: List, params: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The ids on each page, reached by nothing but the link to it."""
    answer = get(front, who, what.path, params)
    while True:
        assert answer.status_code == 200, answer.text
        document = answer.json()
        yield [item[what.shown_as] for item in document[what.items]]
        link = answer.links.get("next")
        assert (link is None) is (document["next"] is None)
        if link is None:
            return
        assert httpx.URL(link["url"]).params["cursor"] == document["next"]
        answer = get(front, who, link["url"])


@every_list
def test_all_pages_together_are_what_the_filters_admit(front: Front, me: Trader, what: List) -> None:
    @settings(max_examples=EXAMPLES)
    @given(
        rows=st.lists(what.rows, max_size=14, unique_by=lambda row: row[what.id]),
        early=st.integers(4, 14),
        filters=what.filters,
        limit=st.integers(1, 4),
    )
    def check(rows: list[Row], early: int, filters: dict[str, Any], limit: int) -> None:
        with front.services.database.begin() as connection:
            connection.execute(delete(what.table))
        there, coming = rows[:early], iter(rows[early:])
        put(front, what, there)
        shown: list[list[Any]] = []
        for page in pages(front, me, what, {**filters, "limit": limit}):
            shown.append(page)
            assert len(shown) <= len(rows) + 1, "the pages go round"
            # Others are put there while somebody reads.
            put(front, what, list(itertools.islice(coming, 1)))
        assert {len(page) for page in shown[:-1]} <= {limit}
        assert 0 < len(shown[-1]) <= limit or shown == [[]]
        seen = list(itertools.chain(*shown))
        admitted = sorted((row for row in rows if what.admits(row, filters)), key=what.order)
        ids = [row[what.id] for row in admitted]
        assert len(set(seen)) == len(seen)
        # In order, of what the filters admit, and of what was there from the beginning everything.
        assert seen == [one for one in ids if one in set(seen)]
        assert {row[what.id] for row in there} & set(ids) <= set(seen)

    check()


REFUSED = {
    "an unknown filter": {"colour": "red"},
    "an empty page": {"limit": "0"},
    "a negative page": {"limit": "-1"},
    "a page that is too long": {"limit": str(LONGEST_PAGE + 1)},
    "a page of no number": {"limit": "many"},
    "a cursor that is none": {"cursor": "!"},
    "a cursor of nothing": {"cursor": b64u(b"[]")},
    "a cursor with too much in it": {"cursor": b64u(canonical.dumps([1, "a", 2]))},
    "a cursor with other things in it": {"cursor": b64u(canonical.dumps([None, {}]))},
    "a cursor of an object": {"cursor": b64u(b"{}")},
    "a cursor of half a character": {"cursor": b64u(json.dumps([1, "\ud800"]).encode())},
    "a cursor with a NUL": {"cursor": b64u(json.dumps([1, "\0"]).encode())},
    "a number above all numbers": {"cursor": b64u(b"[9007199254740993]")},
    "a cursor that is too long": {"cursor": "A" * 513},
}


@every_list
@pytest.mark.parametrize("params", REFUSED.values(), ids=REFUSED)
def test_unknown_filter_or_malformed_page_is_refused(
    front: Front, me: Trader, what: List, params: dict[str, str]
) -> None:
    answer = get(front, me, what.path, params)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/v1/listings", {"state": "SOMETHING"}, "malformed_request"),
        ("/v1/listings", {"state": "listed"}, "malformed_request"),
        ("/v1/listings", {"state": ""}, "malformed_request"),
        ("/v1/listings", {"owner": "somebody"}, "malformed_address"),
        ("/v1/listings", {"owner": ME[:-1]}, "malformed_address"),
        ("/v1/listings", {"max_price": "-1"}, "malformed_request"),
        ("/v1/listings", {"max_price": "1.5"}, "malformed_request"),
        ("/v1/listings", {"q": "a" * 201}, "malformed_request"),
        ("/v1/trades", {"open": "perhaps"}, "malformed_request"),
        ("/v1/board", {"open": "true"}, "malformed_request"),
    ],
)
def test_malformed_filter_is_refused(front: Front, me: Trader, path: str, params: dict[str, str], code: str) -> None:
    answer = get(front, me, path, params)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


@every_list
def test_no_cursor_that_somebody_invents_breaks_a_list(front: Front, me: Trader, what: List) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=5,
    )
    cursors = st.text(min_size=1, max_size=30) | values.map(lambda value: b64u(json.dumps(value).encode()))

    @settings(max_examples=EXAMPLES)
    @given(cursor=cursors)
    def check(cursor: str) -> None:
        assert get(front, me, what.path, {"cursor": cursor}).status_code in (200, 400)

    check()


def test_every_list_declares_how_long_a_page_may_be(front: Front) -> None:
    document = front.raw().get("/openapi.json").json()
    lists = {}
    for path, operations in document["paths"].items():
        parameters = {one["name"]: one for one in operations.get("get", {}).get("parameters", ())}
        if "cursor" in parameters:
            lists[path] = parameters["limit"]["schema"]["maximum"]
    # Its pages are sealed: `unit/platform/test_matching_series.py` goes through them.
    assert lists.pop("/v1/audit/probes") == LONGEST_PAGE
    assert lists == {what.path.replace(ME, "{address}"): LONGEST_PAGE for what in LISTS.values()}

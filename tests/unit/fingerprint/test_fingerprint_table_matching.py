"""What makes two tables a match, and what does not."""

import io
from itertools import combinations
from random import Random

import numpy as np
import pytest

from countermark.fingerprint import Fingerprint, FingerprintError, Segment, compare, compare_many, compute, index_of
from countermark.fingerprint.evaluation.kinds.made_tables import Frame, made_table
from countermark.fingerprint.table import COLUMN, SHAPE, Column

COUNTRIES = [chr(65 + a) + chr(65 + b) for a in range(13) for b in range(15)]


def fingerprint(data: bytes) -> Fingerprint:
    return compute(io.BytesIO(data), "table/v1")


def of_columns(**columns: list[object]) -> Fingerprint:
    return fingerprint(
        Frame.of_columns(list(columns), [list(map(str, cells)) for cells in columns.values()]).to_csv()
    )


def drawn(seed: int, count: int, digits: int = 3) -> list[object]:
    return np.random.default_rng(seed).normal(50, 10, count).round(digits).tolist()


STRANGERS = {
    "same numbers 1 to n and hours": lambda seed: of_columns(
        id=list(range(1, 801)),
        time=[str(np.datetime64("2024-01-01T00") + hour) for hour in range(800)],
        value=drawn(seed, 800),
        other=drawn(seed + 50, 800),
    ),
    "same country codes and names": lambda seed: of_columns(
        code=COUNTRIES, long_code=[one + "X" for one in COUNTRIES], name=[f"Republic of {one}" for one in COUNTRIES],
        value=drawn(seed, len(COUNTRIES)), other=drawn(seed + 50, len(COUNTRIES)),
    ),
    "same plan of stations and days": lambda seed: of_columns(
        day=[str(np.datetime64("2024-01-01") + day) for day in range(60) for _ in range(20)],
        station=[f"station {at}" for _ in range(60) for at in range(20)],
        value=drawn(seed, 1200, 1),
    ),
    "same answers of few kinds": lambda seed: of_columns(
        **{f"q{at}": Random(f"{seed} {at}").choices(range(1, 6), k=600) for at in range(12)}
    ),
    "numbers of few digits": lambda seed: of_columns(**{f"n{at}": drawn(10 * seed + at, 2000, 0) for at in range(3)}),
}  # fmt: skip


@pytest.mark.parametrize("make", STRANGERS.values(), ids=STRANGERS.keys())
def test_what_tables_share_by_nature_makes_no_match(make) -> None:
    made = [make(seed) for seed in range(1, 5)]
    for at, query in enumerate(made):
        assert {one.decision for one in compare_many(query, made[at + 1 :])} <= {"different"}


def test_the_same_catalogue_in_two_months_makes_no_match() -> None:
    months = [fingerprint(made_table("shop", seed, 1000)) for seed in (1, 2, 3)]
    assert {one.decision for one in compare_many(months[0], months[1:])} == {"different"}


@pytest.mark.parametrize(
    ("rows", "columns", "values"),
    [(300, 3, 60), (300, 4, 100), (300, 6, 100), (200, 8, 100), (1000, 12, 300), (1000, 24, 1000)],
)
def test_many_columns_of_like_numbers_have_pairs_in_common_and_make_no_match(
    rows: int, columns: int, values: int
) -> None:
    """A pair of numbers may be in any two columns of a stranger's table, and is often in one of its rows."""
    source = np.random.default_rng(columns)
    numbers = [source.integers(0, values, (columns, rows)).tolist() for _ in range(4)]
    tables = [of_columns(**{f"c{at}": column for at, column in enumerate(table)}) for table in numbers]
    decisions = {compare(one, other).decision for one, other in combinations(tables, 2)}
    assert decisions == {"different"}
    # And yet most of one is known, by whole rows.
    most = of_columns(**{f"c{at}": column[rows // 5 :] for at, column in enumerate(numbers[0])})
    assert compare(most, tables[0]).decision == "match"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_numbered_ages_are_no_copy_of_counts(seed: int) -> None:
    """Numbers 1 to n repeat nothing, and yet any table of whole numbers has them."""
    source = np.random.default_rng(seed)
    ages = of_columns(id=list(range(1, 206)), age=source.integers(18, 90, 205).tolist())
    counts = of_columns(**{f"c{at}": source.integers(0, 200, 600).tolist() for at in range(10)})
    assert compare(ages, counts).decision == "different"


@pytest.mark.parametrize("days", [218, 365])
def test_days_that_one_table_has_once_and_another_often_make_no_match(days: int) -> None:
    source = np.random.default_rng(5)

    def meters(rows: int) -> Fingerprint:
        day = np.datetime64("2022-01-01") + np.arange(rows) % 365
        values = source.gamma(3, 0.12, (4, rows)).round(2)
        return of_columns(day=day.astype(str).tolist(), **{f"h{at}": row.tolist() for at, row in enumerate(values)})

    assert compare(meters(days), meters(1635)).decision == "different"


@pytest.mark.parametrize("family", ["meters", "counts"])
def test_strangers_of_a_family_with_like_columns_are_different(family: str) -> None:
    tables = [fingerprint(made_table(family, seed, 800)) for seed in range(5)]
    assert {compare(one, other).decision for one, other in combinations(tables, 2)} == {"different"}


def test_doubling_every_row_hides_nothing() -> None:
    original = Frame.of_csv(made_table("geodata", 4, 500))
    doubled = Frame(original.names, original.rows * 3)
    assert compare(fingerprint(original.to_csv()), fingerprint(doubled.to_csv())).decision == "match"


def test_order_of_rows_changes_no_byte_but_of_columns_does() -> None:
    original = Frame.of_csv(made_table("people", 5, 1000))
    shuffled = Frame(original.names, tuple(Random(1).sample(original.rows, len(original.rows))))
    first, second = fingerprint(original.to_csv()), fingerprint(shuffled.to_csv())
    assert [first.segment(name) for name in ("shape", "pairs", "rows")] == [
        second.segment(name) for name in ("shape", "pairs", "rows")
    ]


def test_decisions_are_symmetric_and_many_comparisons_are_those_of_each() -> None:
    tables = [fingerprint(made_table(family, 6, 400)) for family in ("sensor", "shop", "grid")]
    noisy = Frame.of_csv(made_table("sensor", 6, 400))
    source = np.random.default_rng(1)
    noisy = Frame.of_columns(
        noisy.names,
        [
            cells if at == 0 else [f"{float(cell) + source.normal(0, 0.002):.5f}" for cell in cells]
            for at, cells in enumerate(noisy.columns())
        ],
    )
    tables.append(fingerprint(noisy.to_csv()))
    for query in tables:
        for reference, found in zip(tables, compare_many(query, tables), strict=True):
            assert compare(query, reference) == found
            back = compare(reference, query)
            assert (back.decision, back.score) == (found.decision, found.score)
            assert 0 <= found.score <= 1
    found = compare(tables[0], tables[3])
    assert found.decision == "match"
    assert "within" in found.reasons[0]


def test_a_noisy_copy_is_found_among_strangers_of_its_family() -> None:
    family = [fingerprint(made_table("fast sensor", seed, 100)) for seed in range(70)]
    index = index_of("table/v1")
    index.add(family[:40])
    index.add(family[40:])
    original = Frame.of_csv(made_table("fast sensor", 33, 100))
    source = np.random.default_rng(2)
    copy = Frame.of_columns(
        original.names,
        [
            cells if name == "step" else [f"{float(cell) + source.normal(0, 0.003):.6f}" for cell in cells]
            for name, cells in zip(original.names, original.columns(), strict=True)
        ],
    )
    query = fingerprint(copy.to_csv())
    candidates = index.candidates(query)
    assert len(index) == 70
    assert len(candidates) <= 50
    assert 33 in candidates
    assert 33 not in index.candidates(query, first=34)
    found = compare_many(query, family)
    assert [at for at, one in enumerate(found) if one.decision == "match"] == [33]


def _column(**changes: object) -> bytes:
    fields = {"kind": 1, "regular": 0, "missing": 0, "distinct": 9, "effective": 9, "low": 0.0, "high": 1.0}
    return Column(**{**fields, "spread": 0.5, "quantiles": tuple(range(15)), **changes}).to_bytes()


MALFORMED = {
    "kind beyond the list": {"columns": _column(kind=3)},
    "regular beyond yes": {"columns": _column(regular=2)},
    "chance of more than one": {"columns": _column(effective=0)},
    "least above greatest": {"columns": _column(low=2.0)},
    "greatest is no number": {"columns": _column(high=float("nan"))},
    "numbers beyond those that are read": {"columns": _column(low=-1.7e308, high=1.7e308)},
    "negative spread": {"columns": _column(spread=-1.0)},
    "infinite spread": {"columns": _column(spread=float("inf"))},
    "quantiles that fall": {"columns": _column(quantiles=tuple(range(15, 0, -1)))},
    "half a column": {"columns": _column()[:-1]},
    "pairs without level": {"pairs": b""},
    "pairs that fall": {"pairs": b"\0" + (5 << 16).to_bytes(8) + (4 << 16).to_bytes(8)},
    "greater column first": {"pairs": b"\0" + (5 << 16 | 0x0201).to_bytes(8)},
    "column beyond all": {"pairs": b"\0" + (5 << 16 | 0x0040).to_bytes(8)},
    "chance of rows of more than one": {"shape": SHAPE.pack(9, 1, 0)},
    "half a cell": {"rows": b"\1" * 33},
    "short shape": {"shape": bytes(SHAPE.size - 1)},
}


@pytest.mark.parametrize("segments", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_fingerprint_that_no_table_has_is_refused(segments: dict[str, bytes]) -> None:
    good = {"shape": SHAPE.pack(9, 1, 1), "columns": _column(), "pairs": b"\0", "rows": b""}
    Fingerprint("table/v1", tuple(Segment(*one) for one in good.items()))
    with pytest.raises(FingerprintError) as caught:
        Fingerprint("table/v1", tuple(Segment(*one) for one in {**good, **segments}.items()))
    assert caught.value.code == "fingerprint_malformed"


ROWS = bytes(range(240)) * 20

EXTREME = {
    "columns of nothing": {"columns": _column(low=0.0, high=0.0, spread=0.0)},
    "columns of tiny spread": {"columns": _column(low=-1e150, high=1e150, spread=5e-324) * 3, "rows": ROWS},
    "columns of vast numbers": {"columns": _column(low=-1e150, high=1e150, spread=1e150) * 3, "rows": ROWS},
    "rows that are not whole": {"rows": b"\1" * 34},
    "rows without columns": {"columns": b"", "rows": b"\1" * 32},
    "pairs of no column": {"columns": b"", "pairs": b"\0" + b"".join((at << 16).to_bytes(8) for at in range(99))},
    "whole rows without columns": {
        "columns": b"", "rows": b"", "pairs": b"\0" + b"".join((at << 16 | 0xFFFF).to_bytes(8) for at in range(99))
    },
    "rows without number": {"shape": SHAPE.pack(2**64 - 1, 2**32 - 1, 1)},
}  # fmt: skip


@pytest.mark.parametrize("segments", EXTREME.values(), ids=EXTREME.keys())
@pytest.mark.filterwarnings("error")
def test_whatever_a_fingerprint_says_it_is_compared_and_indexed(segments: dict[str, bytes]) -> None:
    pairs = b"\0" + b"".join((at << 16 | 0x0001).to_bytes(8) for at in range(200))
    good = {"shape": SHAPE.pack(9, 3, 9), "columns": _column() * 3, "pairs": pairs, "rows": bytes(range(240)) * 10}
    first = Fingerprint("table/v1", tuple(Segment(*one) for one in {**good, **segments}.items()))
    second = Fingerprint("table/v1", tuple(Segment(*one) for one in good.items()))
    index = index_of("table/v1")
    index.add([first, second])
    for query in (first, second):
        index.candidates(query)
        for reference in (first, second):
            assert 0 <= compare(query, reference).score <= 1
    assert COLUMN.size == len(_column())

"""What a cell says, however and wherever it is written."""

import numpy as np
import pyarrow as pa
import pytest

from countermark.fingerprint.table.cells import MISSING, Cells, text_cells
from countermark.fingerprint.table.text_hash import text_hashes
from countermark.fingerprint.table.typed import readable, typed_cells


def cells(*written: str | None, **how: bool) -> Cells:
    return text_cells(pa.array(written, pa.large_string()), **how)


def one(array: pa.Array) -> tuple[int, float]:
    found = typed_cells(array)
    return int(found.hashes[0]), float(found.values[0])


SAME = {
    "whole number": ("7", "7.0", "7e0", "+7", " 7 ", "007", "7.", "0.7e1"),
    "fraction": ("0.5", ".5", "5e-1", "0.50", "+0.5"),
    "zero": ("0", "-0", "0.0", "-0.0"),
    "thousands": ("1234567", "1,234,567", "1234567.0"),
    "17 digits and 15": ("0.30000000000000004", "0.3"),
    "day": ("2024-02-29", "2024-02-29T00:00", "2024-02-29 00:00:00", "2024-02-29t00:00:00.000Z"),
    "hour": ("2024-02-29T07", "2024-02-29 07:00", "2024-02-29T09+02"),
    "zone": ("2024-02-29T12:30:15Z", "2024-02-29T14:30:15+02:00", "2024-02-29 07:00:15-0530"),
    "zone by name": ("2024-02-29 12:30:15 UTC", "2024-02-29T12:30:15z"),
    "fraction of a second": ("2024-02-29T12:30:15.5", "2024-02-29 12:30:15,500", "2024-02-29 12:30:15.500000Z"),
    "word": ("Card", "card", " CARD "),
    "truth": ("true", "True", "TRUE"),
    "nothing": ("", " ", "NA", "n/a", "NULL", "None", "nan", "inf", "-", None),
}  # fmt: skip


@pytest.mark.parametrize("written", SAME.values(), ids=SAME.keys())
def test_one_content_has_one_hash_however_it_is_written(written: tuple[str | None, ...]) -> None:
    assert len(set(cells(*written).hashes.tolist())) == 1


DIFFERENT = ("", "1", "2", "-1", "0.1", "0.1001", "2024-02-29", "2024-03-01", "2024-13-01", "a", "b", "ä", "Ä",
             "9007199254740993", "9007199254740995", "9007199254740992", "123456789012345678901", "1 000",
             "true", "1-2", "1e400", "0x10", "a" * 127, "a" * 128, "a" * 129, "x" * 8, "x" * 9, "١")  # fmt: skip


def test_different_contents_have_different_hashes() -> None:
    assert len(set(cells(*DIFFERENT).hashes.tolist())) == len(DIFFERENT)


def test_a_decimal_comma_is_one_where_semicolons_separate_alone() -> None:
    assert cells("1,5", "1.234,5", "1,234", decimal_comma=True).values.tolist() == [1.5, 1234.5, 1.234]
    found = cells("1,5", "1.234,5", "1,234").values
    assert np.isnan(found[:2]).all()
    assert found[2] == 1234


def test_dates_are_microseconds_since_1970() -> None:
    found = cells("1970-01-01", "1969-12-31T23:59:59.999999", "2000-03-01", "2024-02-29T24:00", "0001-01-01")
    assert found.dates.all()
    assert found.values.tolist() == [0, -1, 951_868_800_000_000, 1_709_251_200_000_000, -62_135_596_800_000_000]
    assert not cells("2024-13-01", "2024-00-10", "2024-01-32", "2024-01-01T12:60", "20240101").dates.any()


TYPED = {
    "float": (pa.array([0.1]), "0.1"),
    "float of 32 bits": (pa.array([0.1], pa.float32()), "0.1"),
    "float of 16 bits": (pa.array([0.5], pa.float16()), "0.5"),
    "integer": (pa.array([7]), "7"),
    "integer of 8 bits": (pa.array([-7], pa.int8()), "-7"),
    "integer beyond floats": (pa.array([2**60 + 1]), str(2**60 + 1)),
    "integer without sign": (pa.array([2**64 - 1], pa.uint64()), str(2**64 - 1)),
    "decimal": (pa.array([1234]).cast(pa.decimal128(24, 2)), "1234.00"),
    "day": (pa.array([19782], pa.date32()), "2024-02-29"),
    "day in milliseconds": (pa.array([86_400_000], pa.date64()), "1970-01-02"),
    "instant in seconds": (pa.array([90], pa.timestamp("s")), "1970-01-01T00:01:30"),
    "instant in nanoseconds": (pa.array([90_000_001_999], pa.timestamp("ns", "UTC")), "1970-01-01T00:01:30.000001Z"),
    "instant before 1970": (pa.array([-1_500], pa.timestamp("ms")), "1969-12-31 23:59:58.5"),
    "time of day": (pa.array([45_015], pa.time32("s")), "12:30:15"),
    "duration": (pa.array([90], pa.duration("s")), "90"),
    "truth": (pa.array([True]), "true"),
    "text": (pa.array([" Card "]), "card"),
    "number as text": (pa.array(["1e1"]), "10"),
    "view of a text": (pa.array(["card"], pa.string_view()), "card"),
    "dictionary": (pa.array(["card"]).dictionary_encode(), "card"),
    "dictionary of numbers": (pa.array([1.5]).dictionary_encode(), "1.5"),
    "bytes": (pa.array([b"\x01\xff"]), "01ff"),
    "null": (pa.nulls(1), ""),
    "not a number": (pa.array([float("nan")]), ""),
    "infinity": (pa.array([float("-inf")]), ""),
    "number too great to square": (pa.array([1e300]), ""),
}


@pytest.mark.parametrize(("array", "written"), TYPED.values(), ids=TYPED.keys())
def test_a_typed_cell_says_what_its_text_says(array: pa.Array, written: str) -> None:
    assert readable(array.type)
    expected = cells(written)
    found = one(array)
    assert found[0] == expected.hashes[0]
    assert found[1] == expected.values[0] or np.isnan(found[1])


def test_integers_are_read_alike_whatever_stands_beside_them() -> None:
    small = typed_cells(pa.array([5, 2**53])).hashes
    large = typed_cells(pa.array([5, 2**53, 2**60 + 1])).hashes
    assert small.tolist() == large[:2].tolist()


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.map_(pa.string(), pa.int8()), pa.struct([])], ids=str)
def test_lists_maps_and_structures_are_not_cells(kind: pa.DataType) -> None:
    assert not readable(kind)
    assert not readable(pa.dictionary(pa.int8(), kind))


def test_a_hash_of_a_text_depends_on_nothing_around_it() -> None:
    texts = ["", "a", "abcdefgh", "abcdefghi", "x" * 127, "x" * 128, "ü" * 500, "zz"]
    together = text_hashes(pa.array(texts, pa.large_string()))
    assert together.tolist() == [int(text_hashes(pa.array([text], pa.large_string()))[0]) for text in texts]
    assert text_hashes(pa.array(["q", *texts], pa.large_string()).slice(1)).tolist() == together.tolist()
    assert len(text_hashes(pa.array([], pa.large_string()))) == 0


def test_missing_cells_have_the_hash_of_none() -> None:
    assert cells("", None, "x").hashes.tolist()[:2] == [MISSING, MISSING]
    assert cells("x").hashes[0] != MISSING

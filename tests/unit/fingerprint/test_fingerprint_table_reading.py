"""What ``table/v1`` makes of every odd file: a table, or one error that says what is wrong with it."""

import io
import json
import os
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from countermark.fingerprint import Fingerprint, FingerprintError, compare, compute, is_featureless
from countermark.fingerprint.evaluation.kinds.made_tables import Frame, made_table
from countermark.fingerprint.table import SHAPE, batches, parquet
from countermark.fingerprint.table.sniff import looks_like_table

SHOP = made_table("shop", 1, 300)
LINES = SHOP.decode().splitlines()
NOISE = Random(0).randbytes(3000)


def fingerprint(data: bytes) -> Fingerprint:
    return compute(io.BytesIO(data), "table/v1")


def shape(data: bytes) -> tuple[int, ...]:
    return SHAPE.unpack(fingerprint(data).segment("shape"))[:2]


def parquet_of(table: pa.Table, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def json_lines(*records: object) -> bytes:
    return "\n".join(map(json.dumps, records)).encode()


PLAIN = parquet_of(pa.table({"a": np.arange(100.0) * 1.37, "b": [str(one * one) for one in range(100)]}))
NESTED = {"a": [{"x": one, "y": {"z": one * 1.5}} for one in range(50)], "l": [[one] for one in range(50)]}

SAME = {
    "without its header": "\n".join(LINES[1:]).encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + SHOP,
    "UTF-16, little end first": SHOP.decode().encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + SHOP.decode().encode("utf-16-be"),
    "UTF-16 without a mark": SHOP.decode().encode("utf-16-le"),
    "UTF-32": SHOP.decode().encode("utf-32"),
    "carriage returns and newlines": SHOP.replace(b"\n", b"\r\n"),
    "carriage returns": SHOP.replace(b"\n", b"\r"),
    "without the last newline": SHOP.rstrip(b"\n"),
    "blank lines": SHOP.replace(b"\n", b"\n\n"),
    "tabs": SHOP.replace(b",", b"\t"),
    "semicolons": SHOP.replace(b",", b";"),
    "bars": SHOP.replace(b",", b"|"),
    "all quoted": "\n".join('"' + line.replace(",", '","') + '"' for line in LINES).encode(),
    "blanks around": SHOP.replace(b",", b" , "),
}


@pytest.mark.parametrize("data", SAME.values(), ids=SAME.keys())
def test_a_table_is_the_same_however_its_text_is_written(data: bytes) -> None:
    assert fingerprint(data) == fingerprint(SHOP)


READ = {
    "a short row is filled up": ("\n".join([*LINES[:9], "9,2024-01-01", *LINES[9:]]).encode(), (301, 9)),
    "a long row is left out": ("\n".join([*LINES[:9], "1,2,3,4,5,6,7,8,9,10", *LINES[9:]]).encode(), (300, 9)),
    "empty cells too many are cut": ("\n".join([*LINES[:9], LINES[9] + ",,", *LINES[10:]]).encode(), (300, 9)),
    "windows-1252": (SHOP.replace(b"card", b"c\xe4rd"), (300, 9)),
    "one column": (b"\n".join(b"%d" % (one * 7919 % 10_007) for one in range(500)), (500, 1)),
    "header alone": (b"a,b,c\n", (1, 3)),
    "one column under its name": (b"one\ntwo words\n\nthree\n", (2, 1)),
    "quote that swallows some lines": (SHOP.replace(b"\n7,", b'\n7,"', 1).replace(b"\n9,", b'\n9,"', 1), None),
    "Parquet without rows": (parquet_of(pa.table({"a": pa.array([], pa.int64())})), (0, 1)),
    "Parquet without columns": (parquet_of(pa.table({})), (0, 0)),
    "Parquet of structures: opened; lists: left out": (parquet_of(pa.table(NESTED)), (50, 2)),
    "JSON lines, objects within: opened; lists: left out": (json_lines({"a": 1, "b": {"c": 2}, "d": [1]}), (1, 2)),
    "JSON lines of different keys": (json_lines({"a": 1}, {"b": 2}, {}), (3, 2)),
    "JSON lines with NaN": (b'{"a": NaN, "b": -Infinity, "c": 1}\n' * 3, (3, 3)),
    "JSON lines with a number of 10,000 digits": (b'{"a": ' + b"9" * 10_000 + b"}\n", (1, 1)),
    "JSON lines with half a pair of surrogates": (b'{"a": "\\ud800"}\n', (1, 1)),
}


@pytest.mark.parametrize(("data", "expected"), READ.values(), ids=READ.keys())
def test_an_odd_file_is_read_as_the_rules_say(data: bytes, expected: tuple[int, int] | None) -> None:
    found = fingerprint(data)
    assert Fingerprint.from_bytes(found.to_bytes()) == found
    assert expected is None or SHAPE.unpack(found.segment("shape"))[:2] == expected


def test_a_long_text_that_comes_very_often_in_parquet_is_read() -> None:
    found = fingerprint(parquet_of(pa.table({"a": ["x" * 10**6] * 500})))
    assert Fingerprint.from_bytes(found.to_bytes()) == found
    assert SHAPE.unpack(found.segment("shape"))[:2] == (500, 1)


REFUSED = {
    "nothing": (b"", "empty_file"),
    "blank lines alone": (b"\n\n", "not_a_table"),
    "noise": (NOISE, "not_a_table"),
    "picture": (b"\x89PNG\r\n\x1a\n" + NOISE.replace(b"\0", b"\1"), "not_a_table"),
    "NUL": (SHOP.replace(b"card", b"c\0rd"), "not_a_table"),
    "NUL far behind": (SHOP * 20 + b"\0,1\n", "not_a_table"),
    "mostly ragged": (
        "\n".join(line.rsplit(",", at % 9)[0] for at, line in enumerate(LINES)).encode(),
        "not_a_table",
    ),
    "ragged from some line on": (SHOP * 20 + b"a,b\n" * 9000, "not_a_table"),
    "quote that is not closed": (b'a,b\n1,"' + b"x\n" * 200_000, "not_a_table"),
    "cell of 20 MB": (b"a,b\n1," + b"x" * 20_000_000, "data_too_large"),
    "quoted cell of 200 kB": (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "not_a_table"),
    "10,001 columns": (b",".join([b"1"] * 10_001) + b"\n", "data_too_large"),
    "JSON that ends in a line": (b'{"a": 1}\n{"a":', "not_a_table"),
    "JSON array within the lines": (b'{"a": 1}\n[1]\n', "not_a_table"),
    "JSON on several lines": (json.dumps({"a": 1, "b": 2}, indent=1).encode(), "not_a_table"),
    "JSON objects without keys": (b"{}\n{}\n", "not_a_table"),
    "JSON 100,000 deep": (b'{"a": ' * 100_000, "not_a_table"),
    "JSON line of 20 MB": (b'{"a": "' + b"x" * 20_000_000, "data_too_large"),
    "JSON keys beyond number": (json_lines({str(one): one for one in range(10_001)}), "data_too_large"),
    "Parquet cut off": (PLAIN[:-20], "not_a_table"),
    "Parquet, its first bytes": (PLAIN[:4], "not_a_table"),
    "Parquet of noise": (b"PAR1" + NOISE + b"PAR1", "not_a_table"),
    "Parquet with a footer of noise": (b"PAR1" + NOISE + (500).to_bytes(4, "little") + b"PAR1", "not_a_table"),
    "Parquet with pages of noise": (PLAIN[:30] + NOISE[:400] + PLAIN[430:], "not_a_table"),
    "Parquet encrypted": (b"PARE" + PLAIN[4:-4] + b"PARE", "unsupported_format"),
    "Parquet encrypted but for its footer": (PLAIN[:-4] + b"PARE", "unsupported_format"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_table_is_one_error_that_holds_nothing_of_it(data: bytes, code: str) -> None:
    with pytest.raises(FingerprintError) as caught:
        fingerprint(data)
    assert caught.value.code == code
    assert len(caught.value.detail) < 120


def test_a_parquet_bomb_is_refused_by_what_its_footer_says(monkeypatch: pytest.MonkeyPatch) -> None:
    many_rows = parquet_of(pa.table({"a": pa.nulls(1_000_000, pa.int8())}))
    monkeypatch.setattr(parquet, "_FREE_CELLS", 1_000)
    monkeypatch.setattr(parquet, "_MOST_CELLS_A_BYTE", 50)
    with pytest.raises(FingerprintError) as caught:
        fingerprint(many_rows)
    assert caught.value.code == "data_too_large"
    monkeypatch.setattr(parquet, "_MOST_CHUNK_BYTES", 100)
    with pytest.raises(FingerprintError) as caught:
        fingerprint(PLAIN)
    assert caught.value.code == "data_too_large"


class Pipe(io.RawIOBase):
    """A source that gives few bytes at a time, and cannot go back."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        return self._data.readinto(memoryview(buffer)[:777])


@pytest.mark.parametrize(
    "data", [SHOP, PLAIN, json_lines({"a": 1, "b": "x"}, {"a": 2.5})], ids=["CSV", "Parquet", "JSON"]
)
def test_a_pipe_is_read_like_a_file_and_left_open(data: bytes) -> None:
    pipe = Pipe(data)
    assert compute(pipe, "table/v1") == fingerprint(data)
    assert not pipe.closed


@pytest.mark.parametrize("rows", [13, 100_000])
def test_rows_at_a_time_make_no_difference(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    data = made_table("shop", 2, 600)
    expected = fingerprint(data)
    monkeypatch.setattr(batches, "rows_at_once", lambda columns, most=rows: rows)
    monkeypatch.setattr(
        "countermark.fingerprint.table.delimited.rows_at_once", lambda columns, most=rows: max(rows, 2)
    )
    found = fingerprint(data)
    same = ("shape", "pairs", "rows")
    assert [found.segment(name) for name in same] == [expected.segment(name) for name in same]


def test_of_very_many_columns_those_with_most_values_are_described() -> None:
    random = Random(5)
    dull = {f"a{at}": [str(random.randrange(3)) for _ in range(80)] for at in range(100)}
    telling = {f"b{at}": [f"{random.gauss(0, 1):.6f}" for _ in range(80)] for at in range(40)}
    wide = Frame.of_columns([*dull, *telling], [*dull.values(), *telling.values()]).to_csv()
    narrow = Frame.of_columns(list(telling), list(telling.values())).to_csv()
    assert shape(wide) == (80, 140)
    assert compare(fingerprint(wide), fingerprint(narrow)).decision == "match"


def test_too_few_cells_are_featureless_and_no_match_for_themselves() -> None:
    for data in (b"a,b,c\n1,2,3\n", b"", b"\n".join([b"yes,no,1"] * 500)):
        if data:
            found = fingerprint(data)
            assert is_featureless(found)
            assert compare(found, found).decision == "different"
    assert not is_featureless(fingerprint(SHOP))


TABLES = {
    "CSV": SHOP,
    "semicolons": SAME["semicolons"],
    "quoted": SAME["all quoted"],
    "UTF-16": SAME["UTF-16, little end first"],
    "numbers alone": b"\n".join(b"%d\t%d.5" % (one, one * one) for one in range(20)),
    "Parquet": PLAIN,
    "JSON lines": json_lines({"a": 1}, {"a": 2}),
    "a cell with line breaks": b'a,b\n1,"x\ny"\n2,"z"\n3,w\n',
    "much": SHOP * 20,
}


@pytest.mark.parametrize("data", TABLES.values(), ids=TABLES.keys())
def test_a_table_looks_like_one(data: bytes) -> None:
    assert looks_like_table(data[:65_536])


MARKDOWN = b"| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
LOG = "\n".join(f"2024-01-01 12:00:{at:02d},123 INFO server: request {at * 7} done" for at in range(50)).encode()
OTHERS = {
    "nothing": b"",
    "noise": NOISE,
    "one JSON object": b'{"name": "one", "list": [1, 2, 3]}\n',
    "prose": ("It was a fine day, and nobody was about.\nThen, all at once, it rained.\n" * 20).encode(),
    "prose with a comma a line": ("The first man came in, and sat down at once.\n" * 30).encode(),
    "Markdown": MARKDOWN * 9,
    "Python": Path(os.__file__).read_bytes(),
    "C": b'#include <stdio.h>\n\nint main(int argc, char **argv) {\n  printf("%d, %d\\n", 1, 2);\n  return 0;\n}\n',
    "HTML": b"<html>\n<body>\n<p>a, b</p>\n</body>\n</html>\n",
    "log": LOG,
    "JSON": json.dumps({"a": [1, 2], "b": {"c": 1}}, indent=1).encode(),
    "one column": b"1\n2\n3\n4\n",
    "two lines": b"a,b\n1,2\n",
    "configuration": b"[part]\nname = x, y\nother = 1\nthird = a, b, c\n",
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_table_does_not_look_like_one(data: bytes) -> None:
    assert not looks_like_table(data[:65_536])


def test_decimal_commas_in_every_cell_do_not_separate() -> None:
    numbers = "\n".join(f"{at}.5,{at * at}.25,{at * 7 % 31}.125" for at in range(200))
    german = numbers.replace(",", ";").replace(".", ",")
    assert fingerprint(german.encode()) == fingerprint(numbers.encode())

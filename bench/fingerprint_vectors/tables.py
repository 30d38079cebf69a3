"""Tables of the conformance vectors: one for every rule of reading and of telling what a cell says."""

import io
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from countermark.fingerprint.evaluation.kinds.made_tables import Frame, made_table

WORDS = ("", "NA", "n/a", "true", "FALSE", " Ünïcode ", "straße", "a longer text that tells by itself", "x", "-")
NUMBERS = ("1", "1.0", "1e0", "+1", "-0", ".5", "5.", "1,234", "1,234.5", "9007199254740993", "123456789012345678901",
           "0.1", "0.30000000000000004", "1e-7", "inf", "NaN", "1e99", "007")  # fmt: skip
DATES = ("2024-02-29", "2024-02-29T12:30", "2024-02-29 12:30:15.123456", "2024-02-29T12:30:15Z",
         "1969-12-31 23:59:59", "2024-02-29T12:30:15+05:30", "2024-13-01", "0001-01-01",
         "2024-02-29 12:30:15,5 -0800")  # fmt: skip


def odd_cells() -> list[list[str]]:
    """Return columns of 60 cells of every way to write a number, a date and nothing."""
    chance = random.Random(4)  # noqa: S311 - cells, not secrets
    columns = [[chance.choice(kind) for _ in range(60)] for kind in (WORDS, NUMBERS, DATES, WORDS + NUMBERS + DATES)]
    return [*columns, [f"{chance.gauss(0, 1):.9f}" for _ in range(60)], [str(7919 * at % 10_007) for at in range(60)]]


def _text(rows: list[tuple[str, ...]], delimiter: str = ",") -> str:
    return Frame(rows[0], tuple(rows[1:])).to_csv(delimiter).decode()


def _parquet(table: pa.Table, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def _typed() -> pa.Table:
    whole = np.arange(70)
    return pa.table(
        {
            "float": whole * 0.37,
            "short float": pa.array(whole * 0.1, pa.float32()),
            "decimal": pa.array(whole * 7, pa.int64()).cast(pa.decimal128(24, 3)),
            "long": pa.array([2**60 + int(one) for one in whole]),
            "unsigned": pa.array([2**63 + int(one) for one in whole], pa.uint64()),
            "day": pa.array((whole * 31).astype(np.int32), pa.date32()),
            "instant": pa.array(whole * 1_234_567_891, pa.timestamp("ns", "UTC")),
            "time": pa.array(whole * 1_000_003, pa.time64("us")),
            "flag": pa.array([one % 3 == 0 for one in whole]),
            "bytes": pa.array([bytes([one, one * 3 % 256]) for one in whole.tolist()]),
            "word": pa.array([f"w{one * one % 11}" for one in whole]).dictionary_encode(),
            "inner": pa.array([{"x": one * 1.5, "y": {"z": str(one)}} for one in whole.tolist()]),
            "list": pa.array([[one] for one in whole.tolist()]),
            "nothing": pa.nulls(70),
        }
    )


def tables() -> dict[str, bytes]:
    """Return a table for every rule."""
    shop = made_table("shop", 1, 120).decode()
    odd = _text([("words", "numbers", "dates", "mixed", "fraction", "key"), *zip(*odd_cells(), strict=True)])
    ragged = "\n".join(
        line.rsplit(",", at % 5 == 0)[0] + ",," * (at % 7 == 0) for at, line in enumerate(odd.split("\n"))
    )
    records = [
        {
            "id": at,
            "inner": {"x": at / 7, "deep": {"y": at * at}},
            f"k{at % 3}": at * 1.5,
            "list": [at],
            "flag": at > 9,
        }
        for at in range(80)
    ]
    wide = [tuple(str(column * row * 7919 % 10_007) for column in range(70)) for row in range(1, 30)]
    return {
        "table, CSV": shop.encode(),
        "table, cells of every kind": odd.encode(),
        "table, semicolons and decimal commas": odd.replace(",", ";").replace(".", ",").encode(),
        "table, ragged": ragged.encode(),
        "table, UTF-16": shop.encode("utf-16"),
        "table, windows-1252": odd.encode("cp1252"),
        "table, tabs and carriage returns": shop.replace(",", "\t").replace("\n", "\r\n").encode(),
        "table, one column": "\n".join(f"https://example.org/{at * 7919 % 10_007}" for at in range(90)).encode(),
        "table, wide": _text(wide, "|").encode(),
        "table, many rows": made_table("fast sensor", 2, 2_000),
        "table, survey": made_table("survey", 3, 200),
        "table, Parquet of every type": _parquet(_typed()),
        "table, Parquet in small groups": _parquet(_typed(), row_group_size=30, compression="gzip"),
        "table, JSON lines": "\n".join(json.dumps(record) for record in records).encode(),
        "table, header alone": b"a,b,c\n",
    }

"""Tables drawn by formulas, of the kinds that are sold: several of one family differ as strangers' do.

Two tables of a family have the same columns, the same keys (1 to n, the same hours, the same products and countries)
and the same distributions, and differ in what was found: the hardest strangers there are.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

__all__ = ["FAMILIES", "Frame", "made_table"]

Column = np.ndarray[tuple[int], np.dtype[Any]]
Columns = dict[str, Column]


@dataclass(frozen=True, slots=True)
class Frame:
    """A table: names, and cells as they are written, row by row."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of_csv(cls, data: bytes) -> "Frame":
        """Return the table that `to_csv` wrote."""
        names, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
        return cls(tuple(names), tuple(map(tuple, rows)))

    def to_csv(self, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
        """Return the table as delimited text with a header."""
        text = io.StringIO(newline="")
        # Typeshed wants one of four literals where the standard library takes the number.
        writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
        writer.writerow(self.names)
        writer.writerows(self.rows)
        return text.getvalue().encode()

    def columns(self) -> list[tuple[str, ...]]:
        """Return the cells column by column."""
        return list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.names)

    @classmethod
    def of_columns(cls, names: Sequence[str], columns: Sequence[Sequence[str]]) -> "Frame":
        """Return the table with these columns."""
        return cls(tuple(names), tuple(zip(*columns, strict=True)))


_SYLLABLES: Final = ("ba", "ke", "lo", "mi", "nu", "ra", "sel", "tor", "van", "wick", "yan", "zel")


def _words(count: int, seed: int, syllables: int = 3) -> Column:
    random = np.random.default_rng(seed)
    return np.array(["".join(random.choice(_SYLLABLES, syllables)) for _ in range(count)])


_PRODUCTS: Final = _words(400, 1)
_PRICES: Final = np.round(np.random.default_rng(2).lognormal(3, 1, 400), 2)
_FIRST_NAMES: Final = _words(150, 3, 2)
_LAST_NAMES: Final = _words(600, 4)
_CITIES: Final = _words(120, 5)
_COUNTRIES: Final = np.array([chr(65 + a) + chr(65 + b) for a in range(10) for b in range(12)])
_START: Final = np.datetime64("2024-01-01T00:00:00")


def _sensor(random: np.random.Generator, rows: int) -> Columns:
    hours = np.arange(rows)
    day = np.sin(hours * 2 * np.pi / 24)
    walk = np.cumsum(random.normal(0, 0.4, rows))
    temperature = 12 + 6 * day + walk - np.linspace(0, walk[-1], rows) + random.normal(0, 0.5, rows)
    return {
        "time": _START + hours * np.timedelta64(1, "h"),
        "temperature": np.round(temperature, 1),
        "humidity": np.round(np.clip(80 - 2 * temperature + random.normal(0, 4, rows), 5, 100), 1),
        "pressure": np.round(1013 + np.cumsum(random.normal(0, 0.3, rows)), 1),
        "wind": np.round(random.weibull(2, rows) * 4, 2),
        "battery": np.round(4.1 - hours * 1e-5 + random.normal(0, 0.01, rows), 3),
    }


def _fast_sensor(random: np.random.Generator, rows: int) -> Columns:
    steps = np.arange(rows)
    return {
        "step": steps,
        "ax": np.round(random.normal(0, 1, rows), 4),
        "ay": np.round(random.normal(0, 1.2, rows), 4),
        "az": np.round(random.normal(9.81, 0.7, rows), 4),
    }


def _shop(random: np.random.Generator, rows: int) -> Columns:
    product = np.minimum(random.zipf(1.3, rows) - 1, len(_PRODUCTS) - 1)
    quantity = random.integers(1, 6, rows)
    seconds = np.sort(random.integers(0, 30 * 86_400, rows))
    return {
        "order": np.arange(1, rows + 1),
        "time": _START + seconds * np.timedelta64(1, "s"),
        "customer": random.integers(1000, 1000 + max(rows // 4, 20), rows),
        "product": _PRODUCTS[product],
        "unit_price": _PRICES[product],
        "quantity": quantity,
        "total": np.round(_PRICES[product] * quantity, 2),
        "country": random.choice(_COUNTRIES[:12], rows),
        "paid": random.choice(["card", "cash", "invoice"], rows),
    }


def _people(random: np.random.Generator, rows: int) -> Columns:
    first, last = random.choice(_FIRST_NAMES, rows), random.choice(_LAST_NAMES, rows)
    births = np.datetime64("1940-01-01") + random.integers(0, 24_000, rows) * np.timedelta64(1, "D")
    return {
        "id": np.arange(1, rows + 1),
        "first_name": first,
        "last_name": last,
        "email": np.array(
            [f"{a}.{b}{c}@example.org" for a, b, c in zip(first, last, random.integers(0, 99, rows), strict=True)]
        ),
        "birth": births,
        "city": random.choice(_CITIES, rows),
        "income": np.round(random.lognormal(10.4, 0.5, rows), -2).astype(int),
        "height": random.normal(171, 9, rows).astype(int),
        "phone": np.array([f"+49{number}" for number in random.integers(10**9, 10**10, rows)]),
    }


def _geodata(random: np.random.Generator, rows: int) -> Columns:
    centre = random.integers(0, 12, rows)
    return {
        "place": np.arange(1, rows + 1),
        "lat": np.round(np.linspace(47, 55, 12)[centre] + random.normal(0, 0.3, rows), 5),
        "lon": np.round(np.linspace(6, 15, 12)[centre] + random.normal(0, 0.4, rows), 5),
        "altitude": np.round(random.gamma(2, 120, rows), 0).astype(int),
        "kind": random.choice(["shop", "school", "park", "bank", "stop"], rows),
    }


def _grid(random: np.random.Generator, rows: int) -> Columns:
    width = int(np.sqrt(rows))
    lat, lon = (axis.reshape(-1) for axis in np.meshgrid(np.arange(rows // width), np.arange(width), indexing="ij"))
    return {
        "lat": 40 + lat * 0.25,
        "lon": 5 + lon * 0.25,
        "rain": np.round(random.gamma(0.8, 3, len(lat)), 1),
        "soil": np.round(random.beta(2, 4, len(lat)), 3),
    }


def _finance(random: np.random.Generator, rows: int) -> Columns:
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.012, rows)))
    opened = close * np.exp(random.normal(0, 0.006, rows))
    days = np.busday_offset("1980-01-01", np.arange(rows), roll="forward")
    return {
        "date": days,
        "open": np.round(opened, 2),
        "high": np.round(np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.004, rows))), 2),
        "low": np.round(np.minimum(opened, close) * (1 - np.abs(random.normal(0, 0.004, rows))), 2),
        "close": np.round(close, 2),
        "volume": random.lognormal(13, 0.6, rows).astype(int),
    }


def _panel(random: np.random.Generator, rows: int) -> Columns:
    years = max(rows // len(_COUNTRIES), 2)
    count = years * len(_COUNTRIES)
    base = np.repeat(random.lognormal(9, 1, len(_COUNTRIES)), years)
    return {
        "country": np.repeat(_COUNTRIES, years),
        "iso": np.repeat(np.char.add(_COUNTRIES, "X"), years),
        "year": np.tile(np.arange(2023 - years, 2023), len(_COUNTRIES)),
        "output": np.round(base * np.exp(random.normal(0, 0.1, count)), 1),
        "rate": np.round(random.normal(3, 2, count), 2),
        "share": np.round(random.beta(2, 5, count) * 100, 1),
    }


def _survey(random: np.random.Generator, rows: int) -> Columns:
    mood = random.normal(0, 1, rows)
    columns: Columns = {
        "respondent": np.arange(1, rows + 1),
        "age": random.integers(18, 90, rows),
        "region": random.choice(_CITIES[:16], rows),
    }
    for question in range(16):
        answer = mood * 0.5 + random.normal(0, 1, rows) + 0.3 * (question % 3 - 1)
        columns[f"q{question + 1}"] = np.clip(np.round(answer + 3), 1, 5).astype(int)
    return columns


def _laboratory(random: np.random.Generator, rows: int) -> Columns:
    hidden = random.normal(0, 1, (rows, 4))
    mixing = np.random.default_rng(6).normal(0, 1, (4, 18))
    values = hidden @ mixing + random.normal(0, 0.5, (rows, 18))
    columns: Columns = {"sample": np.char.add("S", np.arange(10_000, 10_000 + rows).astype(str))}
    for place in range(18):
        columns[f"m{place}"] = np.round(values[:, place] * 10.0 ** (place % 4), 3)
    columns["group"] = random.choice(["control", "treated"], rows)
    return columns


def _meters(random: np.random.Generator, rows: int) -> Columns:
    """Consumption by the hour: many columns of the same unit and size, each near its neighbours."""
    profile = 1 + 0.6 * np.sin((np.arange(24) - 7) * 2 * np.pi / 24)
    households = random.gamma(3, 0.12, (rows, 1))
    values = households * profile * random.lognormal(0, 0.3, (rows, 24))
    columns: Columns = {
        "meter": random.integers(5_000_000, 5_000_000 + max(rows // 7, 5), rows),
        "day": np.datetime64("2022-01-01") + np.arange(rows) % 365 * np.timedelta64(1, "D"),
    }
    return columns | {f"h{hour:02}": np.round(values[:, hour], 3) for hour in range(24)}


def _counts(random: np.random.Generator, rows: int) -> Columns:
    """Whole numbers of one range in every column, as counts, marks and percentages are."""
    return {f"n{place}": random.integers(0, 200, rows) for place in range(10)}


FAMILIES: Final[Mapping[str, Callable[[np.random.Generator, int], Columns]]] = {
    "sensor": _sensor,
    "fast sensor": _fast_sensor,
    "shop": _shop,
    "people": _people,
    "geodata": _geodata,
    "grid": _grid,
    "finance": _finance,
    "panel": _panel,
    "survey": _survey,
    "laboratory": _laboratory,
    "meters": _meters,
    "counts": _counts,
}
"""What draws so many rows, by the name of the family."""


def made_table(family: str, seed: int, rows: int | None = None) -> bytes:
    """Return a table of `family` as CSV, of 200 to 20,000 rows if not of so many."""
    random = np.random.default_rng([seed, *family.encode()])
    drawn = int(np.exp(random.uniform(np.log(200), np.log(20_000))))
    columns = FAMILIES[family](random, rows or drawn)
    return Frame.of_columns(list(columns), [column.astype(str).tolist() for column in columns.values()]).to_csv()

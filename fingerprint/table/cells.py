"""What the cells of a column say, whatever file they stand in: 1, 1.0, "1" and 1e0 are the same.

A cell is missing, a number, a date or a text. A text that is written like a number or an ISO 8601 date is one. By
this module's own rules and not by the readers': what a library takes for a number may change with its version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from countermark.fingerprint.sketch.sample import Hashes, mixed
from countermark.fingerprint.table import GREATEST
from countermark.fingerprint.table.dates import DATE, microseconds
from countermark.fingerprint.table.text_hash import text_hashes

__all__ = ["MISSING", "Cells", "joined", "number_cells", "text_cells"]

MISSING: Final = np.uint64(0)
"""The hash of a cell without content."""

_NOTHING: Final = pa.array(
    ["", "-", "na", "n/a", "nan", "nil", "none", "null", "<na>", "#n/a", "nat", "\\n", "inf", "-inf", "infinity",
     "-infinity"], pa.large_string()
)  # fmt: skip
"""What is written for a cell without content, in lower case. Infinite numbers are written but seldom meant."""

_NUMBER: Final = r"^[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})(e[+-]?\d{1,2})?$"
"""As Python, Java, C and SQL write numbers; so short that none is beyond a float of 64 bits."""

_THOUSANDS: Final = r"^[+-]?\d{1,3}(,\d{3})+(\.\d{0,20})?$"
_DECIMAL_COMMA: Final = r"^[+-]?(\d{1,20}|\d{1,3}(\.\d{3})+),\d{0,20}$"
_WHOLE: Final = r"^[+-]?\d+$"

_EXACT: Final = float(1 << 53)
"""Whole numbers up to here are exact as floats of 64 bits."""

_LONGEST_INTEGER: Final = 18
"""Digits of which every whole number fits in 64 bits."""

_DROPPED_BITS: Final = np.uint64(16)
"""Bits of a fraction's mantissa that are rounded off: some write 15 digits of a number and some all 17."""

_LONG_TEXT: Final = 16
"""Bytes from which on a text tells by itself."""

_LONG_FRACTION: Final = 1e6
"""A number that is not a multiple of a millionth tells by itself."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Some cells of a column, n of them.

    Attributes:
        hashes: The same for the same content, `MISSING` for none.
        values: The number, or of a date the microseconds since 1970 began, in UTC; NaN for everything else.
        dates: Whether it is a date.
        long: Whether it is a text or a fraction of so many characters that chance does not repeat it.
    """

    hashes: Hashes
    values: NDArray[np.float64]
    dates: NDArray[np.bool_]
    long: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return how many cells there are."""
        return len(self.hashes)

    def take(self, rows: NDArray[np.int64]) -> "Cells":
        """Return the cells of some rows."""
        return Cells(self.hashes[rows], self.values[rows], self.dates[rows], self.long[rows])


def joined(parts: Sequence[Cells]) -> Cells:
    """Return the cells of `parts`, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Cells(
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.dates for part in parts]),
        np.concatenate([part.long for part in parts]),
    )


def text_cells(texts: pa.Array, *, decimal_comma: bool = False) -> Cells:
    """Return what `texts`, an array of strings or its dictionary encoding, say.

    Args:
        texts: The cells as they are written.
        decimal_comma: Whether 1,5 is one and a half; if not, 1,500 is a thousand and a half.
    """
    encoded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    meanings = _meanings(encoded.dictionary.cast(pa.large_string()), decimal_comma)
    # Null has the place behind all others, which means a missing cell.
    places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return meanings.take(places.astype(np.int64))


def number_cells(values: NDArray[np.float64], *, dates: bool = False) -> Cells:
    """Return what `values` say, of which NaN, the infinite and almost infinite ones are missing."""
    with np.errstate(invalid="ignore"):
        values = np.where(np.abs(values) <= GREATEST, values, np.nan) + 0.0
    absent = np.isnan(values)
    return Cells(
        np.where(absent, MISSING, _number_hashes(values)),
        values,
        ~absent if dates else np.zeros(len(values), np.bool_),
        np.zeros(len(values), np.bool_) if dates else _long_fractions(values),
    )


def _meanings(texts: pa.LargeStringArray, decimal_comma: bool) -> Cells:
    """Return what each text says, and behind them a missing cell."""
    texts = pc.ascii_lower(pc.ascii_trim_whitespace(texts.fill_null("")))
    count = len(texts)
    values = np.full(count + 1, np.nan)
    dates = np.zeros(count + 1, np.bool_)
    absent = np.append(_mask(pc.is_in(texts, _NOTHING)), True)
    plain = _plain_numbers(texts, decimal_comma)
    numbers = _mask(pc.match_substring_regex(plain, _NUMBER))
    if numbers.any():
        values[:-1][numbers] = _to_numpy(pc.filter(plain, pa.array(numbers)).cast(pa.float64()))
        numbers[_beyond_floats(plain, values[:-1])] = False
        values[:-1][~numbers] = np.nan
    if not (numbers | absent[:-1]).all():
        written = _mask(pc.match_substring_regex(texts, DATE))
        if written.any():
            dates[:-1][written], values[:-1][written] = microseconds(pc.filter(texts, pa.array(written)))
    words = np.isnan(values) & ~absent
    hashes = np.full(count + 1, MISSING)
    long = np.zeros(count + 1, np.bool_)
    if words.any():
        written = pc.filter(texts, pa.array(words[:-1]))
        hashes[words] = text_hashes(written)
        long[words] = _to_numpy(pc.binary_length(written)) >= _LONG_TEXT
    told = number_cells(values)
    return Cells(np.where(words, hashes, told.hashes), values, dates, np.where(dates, False, long | told.long))


def _plain_numbers(texts: pa.LargeStringArray, decimal_comma: bool) -> pa.LargeStringArray:
    """Return `texts` with a point before the fraction of a number and no other commas and points in it."""
    if not _mask(pc.match_substring(texts, ",")).any():
        return texts
    written = pc.match_substring_regex(texts, _DECIMAL_COMMA if decimal_comma else _THOUSANDS)
    if decimal_comma:
        plain = pc.replace_substring(pc.replace_substring(texts, ".", ""), ",", ".")
    else:
        plain = pc.replace_substring(texts, ",", "")
    return pc.if_else(written, plain, texts)


def _beyond_floats(texts: pa.LargeStringArray, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of whole numbers that are not exact as floats: such long ones are names, and stay texts."""
    large = np.flatnonzero(np.abs(values) >= _EXACT)
    if not len(large):
        return large
    written = texts.take(pa.array(large))
    whole = _mask(pc.match_substring_regex(written, _WHOLE))
    short = _to_numpy(pc.binary_length(written)) <= _LONGEST_INTEGER
    exact = ~whole
    fits = whole & short
    if fits.any():
        digits = _to_numpy(pc.utf8_ltrim(pc.filter(written, pa.array(fits)), "+").cast(pa.int64()))
        exact[fits] = digits == values[large[fits]].astype(np.int64)
    return large[~exact]


def _number_hashes(values: NDArray[np.float64]) -> Hashes:
    bits = values.view(np.uint64)
    half = np.uint64(1) << (_DROPPED_BITS - np.uint64(1))
    rounded = (bits + half) >> _DROPPED_BITS << _DROPPED_BITS
    # Whole numbers are exact, so long ones that differ in their last digit are told apart.
    return mixed(np.where(values == np.rint(values), bits, rounded))


def _long_fractions(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    scaled = values * _LONG_FRACTION
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(scaled - np.rint(scaled)) > 1e-3) & (np.abs(values) < _EXACT / _LONG_FRACTION))


def _mask(array: pa.BooleanArray) -> NDArray[np.bool_]:
    return np.array(array.to_numpy(zero_copy_only=False), np.bool_)


def _to_numpy(array: pa.Array) -> NDArray[np.float64]:
    return np.asarray(array.to_numpy(zero_copy_only=False))

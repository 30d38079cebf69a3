"""Dates as ISO 8601 writes them, as numbers."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["DATE", "MICROSECONDS_A_DAY", "microseconds"]

DATE: Final = (
    r"^\d{4}-\d\d-\d\d([t ]\d\d(:\d\d(:\d\d([.,]\d{1,9})?)?)?( ?(z|utc|[+-]\d\d(:?\d\d)?))?)?$"  # in lower case
)
"""A day, or a time with T or a blank before it, with a zone or without (which is then UTC)."""

MICROSECONDS_A_DAY: Final = 86_400_000_000
_SECOND: Final = 1_000_000
_WIDTH: Final = 40
"""No text that `DATE` accepts is longer."""

_FRACTION: Final = 20
"""Where the digits behind the seconds start."""


def microseconds(texts: pa.LargeStringArray) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which of `texts`, all of which `DATE` accepts, are dates, and their microseconds since 1970 began."""
    raw = np.array(texts.cast(pa.large_binary()).to_numpy(zero_copy_only=False), f"S{_WIDTH}")
    letters = raw.view(np.uint8).reshape(-1, _WIDTH).astype(np.int64)
    digits = np.where((letters >= ord("0")) & (letters <= ord("9")), letters - ord("0"), -1)

    def two(at: int) -> NDArray[np.int64]:
        return np.asarray(np.where(digits[:, at] < 0, 0, digits[:, at] * 10 + digits[:, at + 1]))

    month, day = two(5), two(8)
    timed = letters[:, 10] != 0
    minutes = timed & (letters[:, 13] == ord(":"))
    hour, minute = np.where(timed, two(11), 0), np.where(minutes, two(14), 0)
    # Behind the minutes a colon may as well be that of a zone.
    seconds = minutes & (letters[:, 16] == ord(":"))
    second = np.where(seconds, two(17), 0)
    fraction, more = (
        np.zeros(len(letters), np.int64),
        seconds & np.isin(letters[:, _FRACTION - 1], [ord("."), ord(",")]),
    )
    end = np.where(seconds, _FRACTION - 1, np.where(minutes, 16, np.where(timed, 13, 10)))
    for place in range(9):
        more &= digits[:, _FRACTION + place] >= 0
        if place < 6:
            fraction += np.where(more, digits[:, _FRACTION + place] * 10 ** (5 - place), 0)
        end = np.where(more, _FRACTION + place + 1, end)
    whole = _days(two(0) * 100 + two(2), month, day) * MICROSECONDS_A_DAY
    time = ((hour * 60 + minute) * 60 + second) * _SECOND + fraction
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour <= 24) & (minute < 60) & (second <= 60)
    total = (whole + time - _offset(letters, digits, end)).astype(np.float64)
    return valid, np.where(valid, total, np.nan)


def _offset(letters: NDArray[np.int64], digits: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the zones' differences from UTC, which stand from `end` on, in microseconds."""
    rows = np.arange(len(letters))
    start = end + (letters[rows, end] == ord(" "))
    sign = (letters[rows, start] == ord("+")).astype(np.int64) - (letters[rows, start] == ord("-"))
    colon = letters[rows, start + 3] == ord(":")

    def two(at: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.where(digits[rows, at] < 0, 0, digits[rows, at] * 10 + digits[rows, at + 1]))

    minutes: NDArray[np.int64] = sign * (two(start + 1) * 60 + two(start + 3 + colon))
    return minutes * (60 * _SECOND)


def _days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return days since 1970-01-01 in the Gregorian calendar (Hinnant, days_from_civil)."""
    year = year - (month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: NDArray[np.int64] = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days

"""What of a character counts, decided once for each: letters and digits by their plain form; all else parts words.

* Compatibility forms, accents and case are undone, so ``É``, ``é``, ``e`` are one letter, and so are wide, ringed and
  mathematical letters and their plain ones.
* Letters of Cyrillic, Greek and a few others that look like a Latin one become that one, whatever word they stand in:
  so a text in which some were put for others is the same text; one in Cyrillic stays itself under another spelling.
* Characters that nobody sees vanish, and apostrophes and hyphens, too, which writers set or not.
* Ideographs, and letters of scripts that put no blanks between words, are words by themselves.

Only Unicode 3.2 is asked, which every version of Python knows alike; how its characters are folded in case is
promised to stay. Later characters are letters as they are, save pictures, which part words, and marks, which vanish.
"""

import unicodedata
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLANK", "HYPHEN", "LINE", "Letters", "ideographic", "standalone"]

BLANK: Final = " "
"""What parts words, within a line."""

LINE: Final = "\n"
"""What parts lines."""

HYPHEN: Final = "-"
"""A hyphen, which parts a word at the end of a line only."""

_UNICODE: Final = unicodedata.ucd_3_2_0

_LAST_LETTER: Final = 0x3FFFF
"""Beyond it there are no letters. Forms of all others are remembered: 60 MB, should a text have every one of them."""

_HYPHENS: Final = "-\u00ad\u2010\u2011"
_LINES: Final = "\n\r\u0085\u2028\u2029\x0b\x0c"
_APOSTROPHES: Final = "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07"

_UNSEEN: Final = (
    # Control characters that are no blanks, then Default_Ignorable_Code_Point of Unicode 16 and the stroke that
    # stretches Arabic words.
    *((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F)),
    *(
        (0x034F, 0x034F),
        (0x0640, 0x0640),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
    ),
    *((0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0)),
    *((0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
    # Blocks of combining marks, parts of which are later than Unicode 3.2.
    *((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),
)

_PICTURES: Final = (
    # Blocks of symbols, parts of which are later than Unicode 3.2; private use.
    *((0x2000, 0x206F), (0x20A0, 0x20CF), (0x2190, 0x245F), (0x2500, 0x2BFF), (0x2E00, 0x2E7F), (0x2FF0, 0x2FFF)),
    *((0x1F000, 0x1F0FF), (0x1F200, 0x1FBEF), (0xE000, 0xF8FF), (0xF0000, 0x10FFFF)),
)

_IDEOGRAPHS: Final = (
    # With kana and bopomofo.
    *((0x2E80, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF)),
    *((0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF)),
)

_SYLLABLES: Final = (
    # Thai, Lao, Tibetan, Myanmar, Khmer and others of the South East.
    *((0x0E00, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0xA9E0, 0xA9FF), (0xAA60, 0xAADF)),
)

_LOOKALIKES: Final = dict(
    zip(
        "авезкмнорстухіјѕһ" + "αβγεηικνορτυχω" + "օսոհցյ" + "ıłøđħŧƀɑɡɩʏ",
        "abe3kmhopctyxijsh" + "abyenikvoptuxw" + "ounhgj" + "ilodhtbagiy",
        strict=True,
    )
)


def ideographic(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return for each code point whether it is an ideograph, or kana."""
    return _any_within(codes, _IDEOGRAPHS)


def standalone(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return for each code point whether its character is a word by itself."""
    return _any_within(codes, (*_IDEOGRAPHS, *_SYLLABLES))


class Letters(dict[int, str | None]):
    """For `str.translate`: what each character becomes, found out at its first use."""

    def __missing__(self, code: int) -> str | None:
        """Return what the character of this code point becomes, None if it vanishes."""
        if code > _LAST_LETTER:
            return None if _within(code, _UNSEEN) else BLANK
        if 0xDC80 <= code <= 0xDCFF:
            form = _form(bytes([code - 0xDC00]).decode("windows-1252", "replace"))
        else:
            form = _form(chr(code))
        # Only None lets `str.translate` take its quick way.
        self[code] = form or None
        return self[code]


def _form(character: str) -> str:
    settled = _settled(character)
    if settled is not None:
        return settled
    folded = _UNICODE.normalize("NFKD", _UNICODE.normalize("NFKD", character).casefold())
    return "".join(map(_plain_form, folded))


def _settled(character: str) -> str | None:
    """Return what a character becomes about which Unicode is not asked; None for any other."""
    code = ord(character)
    if character in _HYPHENS:
        return HYPHEN
    if character in _LINES:
        return LINE
    if character in _APOSTROPHES or _within(code, _UNSEEN):
        return ""
    if _within(code, _PICTURES):
        return BLANK
    return _spaced(character) if _UNICODE.category(character) == "Cn" else None


def _plain_form(character: str) -> str:
    settled = _settled(character)
    if settled is not None:
        return settled
    category = _UNICODE.category(character)
    if _UNICODE.combining(character) or category == "Me":
        return ""
    if category[0] not in "LNM":
        return BLANK
    return _spaced(_LOOKALIKES.get(character, character))


def _spaced(letter: str) -> str:
    return f"{BLANK}{letter}{BLANK}" if _within(ord(letter), (*_IDEOGRAPHS, *_SYLLABLES)) else letter


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)


def _any_within(codes: NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> NDArray[np.bool_]:
    borders = np.array([border for low, high in sorted(ranges) for border in (low, high + 1)], np.uint32)
    return np.asarray(np.searchsorted(borders, codes, side="right") % 2 == 1)

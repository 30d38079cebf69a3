"""Undoes what makes a web page of a text: tags of HTML part words as blanks do, references to characters are those.

Only tags with names that HTML has and well-formed attributes count, so nothing is lost of programs and formulas. Of
the named references those of HTML 4 count, which no longer change. The text of scripts and style sheets stays.
"""

import re
from html.entities import name2codepoint
from typing import Final

__all__ = ["without_markup"]

_NAMES: Final = (
    "a abbr acronym address article aside b base big blockquote body br button caption center cite code col "
    "colgroup dd del dfn div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr "
    "html i iframe img input ins kbd label legend li link main mark meta nav noscript ol option p pre q s samp "
    "script section select small span strike strong style sub summary sup table tbody td textarea tfoot th thead "
    "time title tr tt u ul var video wbr"
)

_TAG: Final = re.compile(
    rf"""</?(?:{"|".join(_NAMES.split())})(?:\s+[\w:-]+(?:=(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)))*\s*/?>""",
    re.ASCII | re.IGNORECASE,
)

_REFERENCE: Final = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z0-9]{2,8}));")

_LAST_CODE: Final = 0x10FFFF


def without_markup(text: str) -> str:
    """Return `text` without tags, and with the characters that it refers to."""
    if "<" in text:
        text = _TAG.sub(" ", text)
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    code = name2codepoint.get(name, 0) if name else int(decimal or hexadecimal, 10 if decimal else 16)
    # A lone surrogate would be taken for a byte of windows-1252.
    known = 0 < code <= _LAST_CODE and not 0xD800 <= code <= 0xDFFF
    return chr(code) if known else reference[0]

"""Strict canonical JSON, read quickly where it is plain, as nearly all records on a ledger are.

For text in ASCII with few brackets, strict and canonical is what the encoder gives back byte by byte: duplicate
members, other spellings and other orders do not come back, and floats and large integers are refused on the way.
Whatever else it may be, `canonical.loads` says whether it is allowed.
"""

import json
from typing import Any, Never

from countermark.protocol import canonical

_LARGEST = 2**53 - 1


def loads(data: bytes) -> Any:
    """Return what `canonical.loads` returns.

    Raises:
        MarketError: as `canonical.loads` does.
    """
    if data.isascii() and data.count(b"{") + data.count(b"[") <= canonical.MAX_DEPTH:
        try:
            value = _DECODER.decode(data.decode())
            if _ENCODER.encode(value).encode() == data:
                return value
        except ValueError:
            # What is wrong with it, the other one says in its own words.
            return canonical.loads(data)
    return canonical.loads(data)


def _integer(text: str) -> int:
    value = int(text)
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError("beyond what every reader can hold")
    return value


def _refuse(_text: str) -> Never:
    raise ValueError("numbers are integers")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)

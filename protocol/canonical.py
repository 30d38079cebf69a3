"""Canonical JSON (RFC 8785): the one encoding of everything that is signed, hashed or stored.

Rules, stricter than the RFC so that every implementation agrees on every value:

* Numbers are integers within ±(2^53 - 1). Floats, NaN and infinities are refused both ways.
* Input is UTF-8, has no duplicate member and no lone surrogate, and is nested at most ``MAX_DEPTH`` deep.
* Input that claims to be canonical must equal its own canonical bytes.
"""

import json
from typing import Any, Never

import rfc8785

from countermark.protocol.errors import ErrorCode, MarketError

#: Deepest nesting of arrays and objects; fixed, so that refusal never depends on a process's stack.
MAX_DEPTH = 32

_LARGEST = 2**53 - 1
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def dumps(value: object) -> bytes:
    """Return the canonical bytes of a value made of dict, list, tuple, str, int, bool and None.

    Raises:
        ValueError: the value has no canonical form. This is a defect of the caller, never of a party's
            message, and therefore not a ``MarketError``.
    """
    try:
        if _check(value):
            # Of such a value json writes the same bytes, in a fifth of the time; intents are written at each check.
            return _ENCODER.encode(value).encode()
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # its type cannot say "any JSON value"
    except UnicodeEncodeError as error:
        # Member names are sorted as UTF-16 before rfc8785 looks at them: say what is wrong, not what it says.
        raise ValueError("text holds a lone surrogate") from error


def loads(data: bytes | str, *, code: ErrorCode = ErrorCode.MALFORMED_REQUEST, canonical: bool = True) -> Any:
    """Return the value of strictly parsed JSON.

    Args:
        data: the text, UTF-8 where bytes.
        code: what a refusal is called.
        canonical: whether ``data`` must equal its own canonical bytes.

    Raises:
        MarketError: ``code``; the detail says which rule was broken and repeats nothing of the data.
    """
    try:
        raw = data.encode() if isinstance(data, str) else bytes(data)
        if canonical and (plain := _read_plain(raw)) is not _NOT_PLAIN:
            return plain
        value = _DECODER.decode(raw.decode())
        again = dumps(value)
    except RecursionError:
        raise MarketError(code, "nested too deeply") from None
    except _RefusedError as error:
        raise MarketError(code, str(error)) from None
    except ValueError:
        # json's and the codec's own messages quote the input, which may be secret.
        raise MarketError(code, "not strict JSON in UTF-8") from None
    if canonical and again != raw:
        raise MarketError(code, "not in canonical form (RFC 8785)")
    return value


_NOT_PLAIN = object()


def _read_plain(raw: bytes) -> Any:
    """Return the value of ``raw`` where that is quickly known to be canonical, as nearly all that is stored is.

    ASCII with few brackets is, if the encoder gives it back byte by byte: duplicate members, other spellings and
    other orders do not come back, and other numbers are refused on the way. All else is judged by rule.
    """
    if not raw.isascii() or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        return _NOT_PLAIN
    try:
        value = _PLAIN_DECODER.decode(raw.decode())
    except ValueError:
        # What is wrong with it is said where the rules are.
        return _NOT_PLAIN
    return value if _ENCODER.encode(value).encode() == raw else _NOT_PLAIN


class _RefusedError(ValueError):
    """A rule of this module was broken; the message is safe to show."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedError("duplicate member")
    return members


def _refuse_number(_text: str) -> Never:
    raise _RefusedError("numbers are integers")


def _small(text: str) -> int:
    value = int(text)
    if not -_LARGEST <= value <= _LARGEST:
        raise _RefusedError("beyond what every reader can hold")
    return value


_PLAIN_DECODER = json.JSONDecoder(parse_int=_small, parse_float=_refuse_number, parse_constant=_refuse_number)
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_refuse_number, parse_constant=_refuse_number)


def _check(value: object) -> bool:
    """Refuse floats and deep nesting, level by level, so that no input exhausts the stack.

    Returns whether nothing stands in it but text, integers that a reader can hold, True, False, None, and members
    with ASCII names, whose order as text is their order as UTF-16.
    """
    plain = True
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, str) or item is None:
                continue
            if isinstance(item, dict):
                plain = plain and all(isinstance(name, str) and name.isascii() for name in item)
                below.extend(item.values())
            elif isinstance(item, int):
                plain = plain and -_LARGEST <= item <= _LARGEST
            elif isinstance(item, list | tuple):
                below.extend(item)
            elif isinstance(item, float):
                raise _RefusedError("numbers are integers")
            else:
                plain = False
        if not below:
            return plain
        level = below
    raise _RefusedError("nested too deeply")

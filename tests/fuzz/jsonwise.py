"""Changes to JSON documents: another value, a missing, strange or repeated member, another spelling of the same."""

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.fuzz import bytewise

DEEP = "[" * 2_000
"""Deeper than any parser of ours goes, and than Python's stack."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**63, 10**40, -(10**40), 0.5, 1e300, -0.0),
    *("", "0", "1", "00", "-1", "9223372036854775807", "9223372036854775808", "1e3", "x" * 300, "\x00", "\x7f"),
    *("\ud800", "\ufeff", "\u202e", "\U0001f600", "sha256:" + "0" * 64, "sha256:" + "F" * 64, "did:key:z", "../../x"),
    *("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-02-30T00:00:00.000Z", "AA", "AA==", "A"),
    *([], {}, [[]], [{}], {"": ""}, {"a": {"b": {"c": []}}}, ["x"] * 200),
)
"""What stands where something else is expected."""


def change(random: Random, text: bytes, corpus: Sequence[bytes]) -> bytes:
    """Return a changed form of the JSON document `text`, in canonical bytes unless its spelling is what changes."""
    document = json.loads(text)
    for _ in range(1 + min(int(random.expovariate(1.0)), 3)):
        document = _edit(random, document, corpus)
    data = spell(document)
    return _respell(random, data, corpus) if random.random() < 0.3 else data


def spell(document: Any) -> bytes:
    """Return the document in the bytes that canonical JSON would have, also where it has none (lone surrogates)."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _edit(random: Random, document: Any, corpus: Sequence[bytes]) -> Any:
    places = list(_places(document))
    if not places:
        return _value(random)
    holder, key = random.choice(places)
    what = random.random()
    if what < 0.15:
        del holder[key]
    elif what < 0.25:
        _add(random, holder)
    elif what < 0.35:
        other, there = random.choice(places)
        # A copy: what is moved into itself has no spelling.
        holder[key] = copy.deepcopy(other[there])
    elif what < 0.5:
        holder[key] = _foreign(random, corpus)
    elif what < 0.7 and isinstance(holder[key], str):
        changed = bytewise.change(random, holder[key].encode("utf-8", "surrogatepass"), [b"another text"], most=2)
        holder[key] = changed.decode("utf-8", "replace")
    elif what < 0.7 and isinstance(holder[key], int):
        holder[key] = random.choice((holder[key] + 1, holder[key] - 1, -holder[key], *bytewise.EDGES))
    else:
        holder[key] = _value(random)
    return document


def _value(random: Random) -> Any:
    # A copy, for the next edit may change what is in it.
    return copy.deepcopy(random.choice(VALUES))


def _add(random: Random, holder: Any) -> None:
    if isinstance(holder, dict):
        holder[random.choice(("", "v", "extra", "__proto__", "Alg", "crit", "\ud800"))] = _value(random)
    elif 0 < len(holder) <= 300:
        holder.extend(copy.deepcopy(holder * random.choice((1, 1, 3, 300 // len(holder) + 1))))


def _foreign(random: Random, corpus: Sequence[bytes]) -> Any:
    """Return a value that stands somewhere in another document."""
    document = json.loads(random.choice(corpus))
    places = list(_places(document))
    if not places:
        return document
    holder, key = random.choice(places)
    return holder[key]


def _places(document: Any) -> "list[tuple[Any, Any]]":
    """Return every place of the document as the array or object around it, and the index or name there."""
    found: list[tuple[Any, Any]] = []
    open_: list[Any] = [document]
    while open_:
        holder = open_.pop()
        keys = range(len(holder)) if isinstance(holder, list) else list(holder) if isinstance(holder, dict) else ()
        for key in keys:
            found.append((holder, key))
            open_.append(holder[key])
    return found


def _respell(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Return text that is nearly JSON, or the same value in other bytes."""
    what = random.randrange(6)
    if what == 0:
        return json.dumps(json.loads(data.decode("utf-8", "replace")), indent=1).encode()
    if what == 1:  # the first member once more: readers differ in which of two counts
        return data.replace(b"{", b'{"v":1,' if b'"v"' in data else b'{"twice":1,"twice":2,', 1)
    if what == 2:
        return data + random.choice((b" ", b"\n", b"\x00", b"{}", b","))
    if what == 3:
        digits = [at for at in range(len(data)) if 0x30 <= data[at] < 0x3A] or [0]
        at = random.choice(digits)
        return data[:at] + random.choice((b"1" * 5_000, b"1.0", b"1e9", b"NaN", b"Infinity", b"-0")) + data[at + 1 :]
    if what == 4:
        at = random.randrange(len(data) + 1)
        return data[:at] + random.choice((DEEP, '{"a":' * 2_000)).encode() + data[at:]
    return bytewise.change(random, data, corpus)

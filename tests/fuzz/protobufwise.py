"""Changes to protobuf messages that know their framing but not their schema: fields dropped, repeated, grafted.

Fabric packs messages as bytes into others many layers deep. Bytes that read as fields are taken for a message, so
edits reach the innermost layer and all lengths above it stay true.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz import bytewise

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Field:
    """A field: its number, its wire type, its bytes as they stand in the message, and what is in it."""

    number: int
    wire: int
    encoded: bytes
    content: bytes = b""
    inner: "tuple[Field, ...]" = ()


def parse(data: bytes, *, depth: int = 24) -> tuple[Field, ...]:
    """Return the fields of a message, () if the bytes are none."""
    fields, at = [], 0
    try:
        while at < len(data):
            start = at
            tag, at = _read_varint(data, at)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 1_000:
                return ()
            content, inner = b"", ()
            if wire == _VARINT:
                _, at = _read_varint(data, at)
            elif wire in (_FIXED32, _FIXED64):
                at += 4 if wire == _FIXED32 else 8
            elif wire == _BYTES:
                length, at = _read_varint(data, at)
                content = data[at : at + length]
                at += length
                inner = parse(content, depth=depth - 1) if depth else ()
            else:
                return ()
            if at > len(data):
                return ()
            fields.append(Field(number, wire, data[start:at], content, inner))
    except IndexError:
        return ()
    return tuple(fields)


def change(random: Random, message: tuple[Field, ...], corpus: Sequence[tuple[Field, ...]]) -> bytes:
    """Return the bytes of `message` after one to three edits; grafts come from `corpus`."""
    edits = 1 + min(int(random.expovariate(1.5)), 2)
    data = b"".join(_change(random, message, corpus))
    for _ in range(edits - 1):
        message = parse(data) or message
        data = b"".join(_change(random, message, corpus))
    return data


def _change(random: Random, fields: tuple[Field, ...], corpus: Sequence[tuple[Field, ...]]) -> Iterator[bytes]:
    chosen = random.randrange(len(fields))
    field = fields[chosen]
    encoded = [one.encoded for one in fields]
    if field.inner and random.random() < 0.9:
        encoded[chosen] = _of_bytes(field.number, b"".join(_change(random, field.inner, corpus)))
        return iter(encoded)
    what = random.randrange(9)
    if what == 0:
        del encoded[chosen]
    elif what == 1:
        encoded.insert(random.randrange(len(encoded) + 1), field.encoded)
    elif what == 2:
        encoded.reverse()
    elif what == 3:
        encoded[chosen] = _graft(random, corpus).encoded
    elif what == 4:  # another content under this number
        encoded[chosen] = _of_bytes(field.number, _graft(random, corpus).content)
    elif what == 5:
        encoded[chosen] = _tag(field.number, _VARINT) + _varint(random.choice(bytewise.EDGES))
    elif what == 6:  # a length that nothing here has
        encoded[chosen] = _tag(field.number, _BYTES) + _varint(random.choice(bytewise.EDGES)) + field.content
    elif what == 7:
        encoded[chosen] = _tag(random.randrange(1, 40), field.wire) + field.encoded[1:]
    else:
        changed = bytewise.change(random, field.content or field.encoded, [_graft(random, corpus).content])
        encoded[chosen] = _of_bytes(field.number, changed) if field.wire == _BYTES else changed
    return iter(encoded)


def _graft(random: Random, corpus: Sequence[tuple[Field, ...]]) -> Field:
    fields = random.choice(corpus)
    while True:
        field = random.choice(fields)
        if not field.inner or random.random() < 0.2:
            return field
        fields = field.inner


def _of_bytes(number: int, content: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(content)) + content


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 63:
            return value, at

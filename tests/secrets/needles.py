"""Secrets in haystacks: whole or in pieces, raw, in hex, in base64 and base64url at any alignment, within tokens."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PIECE = 24
"""Bytes of a secret that are looked for by themselves: whoever has so many together has learnt something."""
_KEY = 8
"""Bytes by which a place is found before all of a needle is compared there."""
_PLAIN = 10
"""Pieces of fewer different bytes than this stand everywhere, zeros above all."""
_HASH = np.uint64(0x9E3779B97F4A7C15)
_BITS = np.uint64(39)


def pieces(secret: bytes) -> list[bytes]:
    """Return what of a secret is looked for: all of it, or every piece and the last one if it is longer."""
    if len(secret) <= PIECE:
        return [secret]
    starts = [*range(0, len(secret) - PIECE, PIECE), len(secret) - PIECE]
    return [secret[start : start + PIECE] for start in starts]


def forms(piece: bytes) -> set[bytes]:
    """Return every spelling of some bytes, wherever in a longer text of its kind they stand.

    The payload of a token is base64url itself, so what is spelled in it is spelled twice.
    """
    texts = {piece.hex().encode(), piece.hex().upper().encode(), *_base64(piece)}
    return {piece, *texts, *(spelling for text in texts for spelling in _base64(text))}


def _base64(data: bytes) -> Iterator[bytes]:
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + data)
        # Without the digits in which neighbours have a part.
        own = text[(0, 2, 3)[shift] : (shift + len(data)) * 8 // 6]
        yield from (own, own.translate(bytes.maketrans(b"+/", b"-_")))


@dataclass
class Needles:
    """Secrets by name, ready to be looked for all at once."""

    secrets: Mapping[str, Iterable[bytes]]
    _by_key: dict[bytes, list[tuple[bytes, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self.secrets.items():
            wanted = [piece for value in values for piece in pieces(value) if len(set(piece)) >= _PLAIN]
            assert wanted, f"{name} has nothing that could be told from anything else"
            for spelling in {form for piece in wanted for form in forms(piece)}:
                assert len(spelling) >= _KEY, name
                self._by_key.setdefault(spelling[:_KEY], []).append((spelling, name))
        keys = np.frombuffer(b"".join(self._by_key), "<u8")
        self._maybe = np.zeros(1 << 25, bool)
        self._maybe[_slots(keys)] = True

    def find(self, haystack: bytes) -> set[str]:
        """Return the names of the secrets that stand in `haystack`, be it in lines as a certificate is."""
        found = self._find(haystack)
        joined = haystack.replace(b"\\n", b"").translate(None, b"\r\n")
        return found if joined == haystack else found | self._find(joined)

    def _find(self, haystack: bytes) -> set[str]:
        found: set[str] = set()
        for offset in range(min(_KEY, len(haystack))):
            words = np.frombuffer(haystack, "<u8", offset=offset, count=(len(haystack) - offset) // _KEY)
            for index in np.flatnonzero(self._maybe[_slots(words)]):
                at = offset + int(index) * _KEY
                for spelling, name in self._by_key.get(haystack[at : at + _KEY], ()):
                    if haystack.startswith(spelling, at):
                        found.add(name)
        return found


def _slots(words: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    return (words * _HASH) >> _BITS

"""Bytes that come in pieces of any length, in pieces of the length that a store wants."""

from collections.abc import Iterable, Iterator


def regrouped(data: Iterable[bytes], *, first: int, each: int) -> Iterator[bytes]:
    """Yield what `data` yields in a piece of `first` bytes and pieces of `each` bytes; the last may be shorter.

    Where `data` breaks off, what it gave until then comes before its error.
    """
    held, wanted = bytearray(), first
    try:
        for piece in data:
            rest = memoryview(piece)
            while rest:
                taken = rest[: wanted - len(held)]
                held += taken
                rest = rest[len(taken) :]
                if len(held) == wanted:
                    yield bytes(held)
                    held, wanted = bytearray(), each
    except Exception:
        # Whatever it was: what came before it must not be lost. It goes on to the caller.
        if held:
            yield bytes(held)
        raise
    if held:
        yield bytes(held)

r"""The rules of keys, collections and ranges, checked before anything is asked of a peer.

Fabric's peer does not check them all: an empty collection would silently mean the public state, an empty start
of a range would let composite keys in (they begin with \x00), and a bookmark replaces the start of its range.
"""

from typing import Final

from countermark.chaincode.shim.errors import ShimError

COMPOSITE: Final = "\x00"
"""First character of composite keys, which simple ranges must not reach."""

FIRST_SIMPLE_KEY: Final = "\x01"
"""What an empty start of a range stands for: the first key that is not composite."""

LARGEST_PAGE: Final = 2**31 - 1
"""A page size is an int32 on the wire."""


MOST_ROWS: Final = 10_000
"""A range without pages that holds more is refused: beyond its own limit a peer would leave rows out silently."""


def check_key(key: str) -> None:
    """Refuse a key that no peer can store.

    Raises:
        ShimError: `key` is empty or is no UTF-8 text.
    """
    if not key:
        raise ShimError("a key must not be empty")
    _check_text(key)


def check_collection(collection: str) -> None:
    """Refuse an empty collection, which a peer would take for the public state.

    Raises:
        ShimError: `collection` is empty or is no UTF-8 text.
    """
    if not collection:
        raise ShimError("a collection must not be empty")
    _check_text(collection)


def check_range(start: str, end: str, page_size: int, bookmark: str) -> str:
    """Return the start to send for a range of simple keys; `page_size` 0 means no pages.

    Raises:
        ShimError: a bound is a composite key, the page size is out of range, or the bookmark comes without a
            page size or lies outside the range.
    """
    for bound in (start, end, bookmark):
        _check_text(bound)
        if bound.startswith(COMPOSITE):
            raise ShimError("a range of simple keys must not begin or end at a composite key")
    if not 0 <= page_size <= LARGEST_PAGE:
        raise ShimError("the page size is out of range")
    first = start or FIRST_SIMPLE_KEY
    if bookmark:
        if page_size == 0:
            raise ShimError("a bookmark needs a page size")
        if bookmark < first or (end and bookmark >= end):
            raise ShimError("the bookmark lies outside the range")
    return first


def check_scan(rows: int, page_size: int) -> None:
    """Refuse a range without pages once it has shown more than `MOST_ROWS`.

    Raises:
        ShimError: there are too many rows.
    """
    if not page_size and rows > MOST_ROWS:
        raise ShimError(f"a range of more than {MOST_ROWS} keys must be read in pages")


def check_event(name: str) -> None:
    """Refuse an event without a name.

    Raises:
        ShimError: `name` is empty or is no UTF-8 text.
    """
    if not name:
        raise ShimError("an event's name must not be empty")
    _check_text(name)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ShimError("a key, collection or name is no UTF-8 text") from error

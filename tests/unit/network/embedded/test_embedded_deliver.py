"""Which blocks a request is for, as Fabric's peers read it."""

import pytest

from countermark.network.embedded.services.deliver import Asked, blocks_asked_for
from countermark.network.envelopes import FOREVER, Edge, Seek

BAD_REQUEST, NOT_FOUND = 400, 404
HEIGHT = 5


@pytest.mark.parametrize(
    ("seek", "start", "stop"),
    [
        (Seek(0), 0, FOREVER),
        (Seek(4, 4), 4, 4),
        (Seek(5), 5, FOREVER),
        (Seek(5, 7), 5, 7),
        (Seek(Edge.OLDEST, Edge.OLDEST), 0, 0),
        (Seek(2, Edge.OLDEST), 2, 2),
        (Seek(Edge.NEWEST, Edge.NEWEST), 4, 4),
        (Seek(2, Edge.NEWEST), 2, 4),
        (Seek(Edge.NEXT_COMMIT), 5, FOREVER),
        (Seek(Edge.NEXT_COMMIT, Edge.NEWEST), 5, 4),
        (Seek(3, Edge.NEXT_COMMIT), 3, 0),
    ],
)
@pytest.mark.parametrize("wait", [True, False])
def test_up_to_the_next_block_all_can_be_asked_for(seek: Seek, start: int, stop: int, wait: bool) -> None:
    seek = Seek(seek.start, seek.stop, wait)
    assert blocks_asked_for(seek, HEIGHT) == (200, Asked(start, stop, wait))


@pytest.mark.parametrize(
    ("seek", "status"),
    [
        (Seek(6), NOT_FOUND),
        (Seek(6, 3), NOT_FOUND),
        (Seek(10**9, FOREVER, wait=False), NOT_FOUND),
        (Seek(4, 3), BAD_REQUEST),
        (Seek(Edge.NEWEST, 3), BAD_REQUEST),
        (Seek(5, 4), BAD_REQUEST),
    ],
)
def test_later_blocks_are_not_waited_for_and_none_come_backwards(seek: Seek, status: int) -> None:
    assert blocks_asked_for(seek, HEIGHT) == (status, None)

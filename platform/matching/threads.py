"""Work on many things in several threads: numpy lets others go on while it counts, sorts and fetches."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

THREADS = min(4, len(os.sched_getaffinity(0)))
"""How many threads work for one caller: each reads from the database by a connection of its own."""

_AHEAD = 2
"""Tasks that wait for each thread, so that none waits for the caller."""


def in_threads(work: Callable[[A], B], tasks: Iterable[A], threads: int) -> Iterator[B]:
    """Yield what ``work`` makes of each of ``tasks``, in their order, by ``threads`` threads; one task by the caller.

    Tasks are taken up as they are worked on. The first failure is raised in its place, and what waits is not done.
    """
    tasks = iter(tasks)
    first = list(islice(tasks, 2))
    if threads == 1 or len(first) < 2:
        yield from map(work, first)
        yield from map(work, tasks)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="compare")
    try:
        waiting: deque[Future[B]] = deque(pool.submit(work, task) for task in first)
        waiting.extend(pool.submit(work, task) for task in islice(tasks, threads * _AHEAD - len(first)))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, task) for task in islice(tasks, 1))
    finally:
        pool.shutdown(cancel_futures=True)


def batched(things: Iterable[A], count: int) -> Iterator[list[A]]:
    """Yield ``things``, ``count`` at a time."""
    things = iter(things)
    while some := list(islice(things, count)):
        yield some

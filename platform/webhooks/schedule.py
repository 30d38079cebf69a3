"""When a delivery that failed is tried again, and when no more."""

FIRST_REST_MS = 5_000
LONGEST_REST_MS = 3_600_000

MOST_FAILURES = 33
"""After so many failures of one event in a row, about a day, the webhook is disabled."""


def rest_ms(failures: int) -> int:
    """Return how long to wait after the ``failures``-th failure in a row: twice as long each time, up to an hour."""
    return min(FIRST_REST_MS << min(failures - 1, 20), LONGEST_REST_MS)

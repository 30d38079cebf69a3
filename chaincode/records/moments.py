"""Deadlines in records: a time as text, or "" where there is none."""

from countermark.protocol import times


def write(time_ms: int | None) -> str:
    """Return the text of a time in ms since the epoch, "" for None."""
    return "" if time_ms is None else times.to_text(time_ms)


def read(text: str) -> int | None:
    """Return the time in ms since the epoch of what `write` wrote."""
    return times.from_text(text) if text else None

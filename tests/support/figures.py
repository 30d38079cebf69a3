"""Figures that a run of the tests has shown, printed at its end."""

_shown: list[str] = []


def show(line: str) -> None:
    """Print ``line`` in the summary of the run: what was done how often, and what came out."""
    _shown.append(line)


def shown() -> tuple[str, ...]:
    """Return what was shown until now."""
    return tuple(_shown)

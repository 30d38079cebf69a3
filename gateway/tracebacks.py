"""Where an error was raised, without any of the values that were at hand."""

import traceback

_FRAMES = 6


def places(error: BaseException) -> list[str]:
    """Return the innermost frames of the error's traceback as `file:line function`."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]

"""One platform for all tests of load."""

from tests.end_to_end.conftest import platform

__all__ = ["platform"]

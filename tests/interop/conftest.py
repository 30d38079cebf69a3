"""The platform that foreign clients use, and the environment that `make interop` has made for them."""

import os
from pathlib import Path

import pytest

from tests.end_to_end.conftest import platform

__all__ = ["platform"]


@pytest.fixture(scope="session")
def foreign_python() -> Path:
    """The interpreter of the environment with fabric-sdk-py."""
    return Path(os.environ["INTEROP_PYTHON"])

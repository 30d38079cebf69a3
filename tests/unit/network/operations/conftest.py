"""A generated network, of which one operation or another is made."""

from tests.unit.network.nodes.conftest import describe, folder, made

__all__ = ["describe", "folder", "made"]

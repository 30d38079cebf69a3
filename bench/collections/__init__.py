"""Collections: the gate's check of many items, the client's work on many files: see `bench.collections.measuring`."""

from bench.collections.measuring import main

__all__ = ["main"]

"""How fast fingerprints are made and searched: see `bench.fingerprint_speed.measuring`."""

from bench.fingerprint_speed.measuring import main

__all__ = ["main"]

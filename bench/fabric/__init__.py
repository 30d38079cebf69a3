"""Measurements on a native network of Hyperledger Fabric: our trade functions beside a contract that only puts."""

from bench.fabric.measuring import main

__all__ = ["main"]

"""Ledgers that `countermark up` can stand on: one that it runs itself, or a network of Fabric that runs already."""

from countermark.cli.up.ledgers.base import Ledger

__all__ = ["Ledger"]

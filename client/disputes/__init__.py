"""Disputes: the buyer's evidence, and its examination by whoever decides (IV.A, D-6)."""

from countermark.client.disputes.opening import KIND, open_key

__all__ = ["KIND", "open_key"]

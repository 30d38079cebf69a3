"""Figures of one process for Prometheus; labels are routes, functions and codes, never ids."""

from countermark.gateway.metrics.registry import CONTENT_TYPE, Metrics

__all__ = ["CONTENT_TYPE", "Metrics"]

"""Bounds of the histograms, in seconds."""

ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Of what is answered: requests, and calls to the ledger, which give up after 10 s or so."""

OUTCOMES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Of what the outbox brings to an end, however long the ledger is away."""

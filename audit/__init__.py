"""The supervisor's view: a ledger replayed from its blocks, on trust in the channel's root certificates alone."""

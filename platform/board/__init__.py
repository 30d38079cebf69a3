"""The send-receive board (steps (17) and (21)): an append-only log whose tree is anchored on the ledger."""

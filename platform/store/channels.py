"""Names of the notification channels; a payload only says that there is something new to read."""

BLOCKS = "blocks"
"""A block was applied; the payload is its number."""

OUTBOX = "outbox"
"""A request to the ledger has come to an end; the payload is its id."""

WORK = "work"
"""There is something for the workers to do that no block tells of; the payload is the id of what it is about."""

"""The data-contract table: registering data (steps (4) to (6)), and reading what is on the market (9-1)."""

"""The records of the world state as frozen values: what a contract reads, decides on, and writes back."""

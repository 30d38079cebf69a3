"""Measuring fingerprints: edits that a pirate would make, and how often a generator sees through them."""

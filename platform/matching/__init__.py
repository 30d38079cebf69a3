"""The gate of step (5) and the search by sample of step (9-2): everything that compares fingerprints."""

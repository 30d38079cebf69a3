"""What a dispute needs of the platform: openings for those who decide, kept off the ledger (D-6)."""

"""The relay of encrypted packages from seller to buyer (steps (14) and (15)) and the check of step (22)."""

"""Claims of ownership as the platform sees them: who has a part in one, and the sealed evidence of either side."""

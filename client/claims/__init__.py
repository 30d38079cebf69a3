"""Claims of ownership (A-08): either side's evidence, what one has a part in, and the supervisor's decision."""

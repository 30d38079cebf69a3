"""The contracts: one module per noun; each function reads, decides by pure code, and says what to write."""

"""A trader's side: keys that never leave his machine, and everything he does through a gateway's URL."""

"""What every endorsing organisation runs: the contracts, and the shim between them and its peer."""

"""The ledger: identities, blocks, the clients of a Fabric network, and the embedded peer."""

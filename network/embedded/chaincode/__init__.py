"""The peer's side of the chaincode stream: one connection per organisation, runs answered from a simulation."""

"""The chaincode's side of Fabric's peer: the `Stub` that contracts are written against, and its stream."""

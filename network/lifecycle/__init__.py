"""The lifecycle of a chaincode on a channel: package, install, approve, commit."""

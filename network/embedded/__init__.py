"""The embedded peer: Fabric's wire protocols and rules in one process, for development, demonstrations and tests.

One process serves one TLS endpoint per organisation, keeps one ledger of real Fabric blocks, and asks each
organisation's chaincode server for that organisation's endorsement. It is not for production: one process holds the
keys of all organisations, so nothing here keeps them from acting as one.
"""

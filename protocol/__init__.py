"""What all parties agree on: addresses, intents, sealed messages, packages, transition tables, money, error codes.

Pure values: nothing here does I/O, reads a clock or imports a framework, so that chaincode, gateway, clients and
auditors can share it and reach the same bytes.
"""

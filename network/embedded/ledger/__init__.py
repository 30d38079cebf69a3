"""The stored ledger: block file, state with history and transaction index, private data.

The block file is the truth. State is derived from it and caught up, or rebuilt, when the process starts. Private data
stands in no block, so its store is the second thing that is synced to disk before anybody is told of a commit.
"""

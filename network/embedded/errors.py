"""Errors of the embedded peer, one per phase; each carries a stable `code` and a `detail` for people."""

from countermark.network.errors import NetworkError


class SettingsError(NetworkError):
    """The folder of the embedded peer is missing something, or says something that cannot be."""


class StorageError(NetworkError):
    """The stored ledger cannot be read or written, or does not hold together: damaged, or of another channel."""


class ProposalError(NetworkError):
    """A proposal, envelope or request that its sender must change before it can be served."""


class ExecutionError(NetworkError):
    """The chaincode gave no answer: its server is away, broke off, or took too long."""


class SimulationError(NetworkError):
    """The chaincode asked the peer for something that Fabric refuses."""

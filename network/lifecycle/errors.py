"""What can go wrong on a chaincode's way onto a channel."""

from countermark.network.errors import NetworkError


class LifecycleError(NetworkError):
    """A node refused an operation of the lifecycle, or its answer is not what it should be."""

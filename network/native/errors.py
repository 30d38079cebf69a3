"""What keeps the nodes of a folder from running."""

from countermark.network.errors import NetworkError


class RunError(NetworkError):
    """The network of a folder cannot be brought up, or did not become ready; nothing of it is damaged."""

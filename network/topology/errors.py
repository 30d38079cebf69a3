"""The one error of a network's description: what is wrong, and on which line."""

from countermark.network.errors import NetworkError


class TopologyError(NetworkError):
    """A network.yaml that cannot be: malformed, contradictory, or of a network that could not work."""

    def __init__(self, code: str, detail: str, *, line: int = 0) -> None:
        super().__init__(code, f"line {line}: {detail}" if line else detail)
        self.line = line
        """Line of the file, from 1; 0 if it is about the whole file."""

"""A peer joins a channel."""

from tests.support.fabric.lifecycle.endorser import ask
from tests.support.fabric.topology import Node


def join(peer: Node, genesis: bytes) -> None:
    """Have `peer` follow the channel that begins with `genesis`."""
    ask(peer, "cscc", [b"JoinChain", genesis])

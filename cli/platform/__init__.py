"""`countermark platform`: gateway and worker in containers, beside a network that runs already."""

from countermark.cli.platform.group import command

__all__ = ["command"]

"""`countermark demo`: the paper's Scenario 1, told step by step."""

from countermark.cli.demo.command import command

__all__ = ["command"]

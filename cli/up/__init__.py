"""`countermark up`: the whole platform on this machine, as a tree of processes that live and end together."""

from countermark.cli.up.command import command

__all__ = ["command"]

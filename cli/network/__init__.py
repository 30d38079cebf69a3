"""`countermark network`: a network of Hyperledger Fabric, from one description."""

from countermark.cli.network.group import command

__all__ = ["command"]

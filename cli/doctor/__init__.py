"""`countermark doctor`: what is wrong with an installation, a home, a gateway or a platform's data folder."""

from countermark.cli.doctor.command import command

__all__ = ["command"]

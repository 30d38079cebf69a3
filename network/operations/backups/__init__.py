"""Backups of a network's peers: taken while the network runs, checked before they are used, put back by renaming."""

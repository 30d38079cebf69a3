"""Nodes of Fabric as processes of this machine, in the background."""

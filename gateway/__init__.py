"""The gateway: HTTP in front of the platform, and the worker behind it; wires the platform's ports to real parts."""

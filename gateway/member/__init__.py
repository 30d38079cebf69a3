"""The gateway of a member organisation: what it does itself, and what it passes on to the platform's (ADR 0021)."""

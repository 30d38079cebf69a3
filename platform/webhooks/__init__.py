"""Webhooks: an account's own events, told to an HTTPS address of its choice as they happen (ADR 0017)."""

"""Bundles: one file with all of a ledger that is needed to judge a trade, a contract, an account or some blocks.

A state can be judged from its beginning alone, so a bundle holds the blocks from the first one on. `manifest` says
what it is about, `records` is the file, `inspection` judges blocks as they come, `export` and `verification` do so
while a bundle is written and read. Nothing is ever in memory as a whole.
"""

from countermark.audit.bundles.export import export
from countermark.audit.bundles.inspection import Verdict
from countermark.audit.bundles.manifest import KINDS, Manifest, Subject
from countermark.audit.bundles.verification import verify

__all__ = ["KINDS", "Manifest", "Subject", "Verdict", "export", "verify"]

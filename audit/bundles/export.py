"""Writing a bundle, which is judged while it is written: nobody is handed one that does not hold."""

from collections.abc import Iterable
from typing import BinaryIO

from countermark.audit.bundles.inspection import Inspection, Verdict
from countermark.audit.bundles.manifest import Manifest
from countermark.audit.bundles.records import BundleWriter
from countermark.audit.roots import Roots
from countermark.network.blocks import Block


def export(
    blocks: Iterable[Block], out: BinaryIO, manifest: Manifest, *, genesis: bytes = b"", roots: Roots | None = None
) -> tuple[Verdict, bytes]:
    """Write ``blocks``, from number 0 to the last one that matters, to ``out``; return the verdict and the digest.

    Args:
        blocks: The blocks of the channel; no more of them are taken than the subject needs.
        out: Where the bundle goes; what an error leaves there is no bundle.
        manifest: Which market, and what of it.
        genesis: Header hash of block 0, by which the channel is known.
        roots: Who the organisations are; must be given where ``genesis`` is not.

    Raises:
        AuditError: something does not hold, or the ledger knows nothing of the subject.
    """
    writer = BundleWriter(out, manifest)
    with Inspection(manifest, genesis=genesis, roots=roots) as inspection:
        for block in blocks:
            inspection.apply(block)
            writer.add(block.serialized)
            if inspection.complete:
                break
        verdict = inspection.verdict()
    return verdict, writer.end()

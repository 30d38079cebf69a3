"""Reading a bundle to the end, with nothing but what its reader trusts: no network, no clock, no database."""

from typing import BinaryIO, Protocol

from countermark.audit.bundles.inspection import Inspection, Verdict
from countermark.audit.bundles.manifest import Manifest
from countermark.audit.bundles.records import BundleReader
from countermark.audit.errors import AuditError
from countermark.audit.roots import Roots
from countermark.network.blocks import Block, parse_block
from countermark.network.errors import BlockError, NetworkError


class Inspecting(Protocol):
    """What makes the inspection of a bundle."""

    def __call__(self, manifest: Manifest, *, genesis: bytes, roots: Roots | None) -> Inspection:
        """Return the inspection of a bundle with ``manifest``."""


def verify(
    source: BinaryIO,
    *,
    genesis: bytes = b"",
    roots: Roots | None = None,
    market: str = "",
    inspecting: Inspecting = Inspection,
) -> tuple[Verdict, bytes]:
    """Return what holds in the bundle that ``source`` gives, and the digest by which the bundle is known.

    Args:
        source: The bundle; it is read forward, once.
        genesis: Header hash of block 0, by which the channel is known.
        roots: Who the organisations are; must be given where ``genesis`` is not.
        market: Channel/chaincode of which it must be; "" for any.
        inspecting: Makes what judges the blocks, which may look at more than the bundle's subject.

    Raises:
        AuditError: the first thing that does not hold, and where.
    """
    reader = BundleReader(source)
    if market and reader.manifest.market != market:
        raise AuditError("other_market", f"it is of {reader.manifest.market}, not of {market}")
    with inspecting(reader.manifest, genesis=genesis, roots=roots) as inspection:
        for number, data in enumerate(reader.blocks()):
            inspection.apply(_parse(number, data))
        return inspection.verdict(), reader.digest


def _parse(number: int, data: bytes) -> Block:
    try:
        return parse_block(data)
    except NetworkError as error:
        position = error.transaction if isinstance(error, BlockError) else None
        position = -1 if position is None else position
        raise AuditError(error.code, error.detail, block=number, transaction=position) from error

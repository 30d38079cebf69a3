"""Packages: data of any size on the way from a seller to one buyer, through a platform that cannot read it.

One format (`layout`), sealed once (`sealing`), measured without keys by whoever relays it (`measuring`), opened chunk
by chunk (`opening`), in constant memory. ``trade.send`` commits to the Merkle root over all its bytes: steps (13)
to (18) of the paper.

What can be wrong has one code each, in this order of precedence:

* PACKAGE_MALFORMED: the bytes are no package: framing, truncation, extension.
* PACKAGE_WRONG_TRADE: a package, but of another trade, party or listing.
* PACKAGE_ROOT_MISMATCH: not the bytes that the seller committed to; fetching them again may help.
* PACKAGE_UNDECRYPTABLE: the committed bytes, but the wrapped key does not open with the buyer's key.
* PACKAGE_TAMPERED: the committed bytes, but a chunk does not authenticate, or the padding is not ours.

The last two are the seller's doing, and an arbiter with the buyer's key sees the same.
"""

from countermark.protocol.packages.header import PackageHeader, PackageSalts, PackageSummary
from countermark.protocol.packages.measuring import measure
from countermark.protocol.packages.opening import open_package
from countermark.protocol.packages.sealing import seal_package

__all__ = ["PackageHeader", "PackageSalts", "PackageSummary", "measure", "open_package", "seal_package"]

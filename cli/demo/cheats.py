"""What dishonest parties do who have a client of their own: the tricks of IV.A, built of this client's parts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from countermark.client import deliveries, listings, notices, purchases
from countermark.client.examining import examine
from countermark.client.files import private_folder
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.client.receiving import Received
from countermark.client.vault import Vault
from countermark.protocol.packages import PackageHeader, PackageSalts, seal_package

_NO_ROOT = bytes(32)
"""The root of no fingerprint."""


def list_under_false_fingerprint(
    market: Market, vault: Vault, path: Path, other: Path, terms: listings.Terms, words: listings.Words
) -> Done:
    """Offer what lies at ``path`` by the fingerprint of ``other`` (R68)."""
    data, shown = (examine(one, market.config.generators_for) for one in (path, other))
    return listings.register(market, vault, replace(data, items=shown.items), terms, words)


def send_instead(
    market: Market,
    keys: Keys,
    vault: Vault,
    trade: dict[str, Any],
    packages: Path,
    instead: Path,
    recipient: str = "",
) -> Done:
    """Send the file ``instead`` as the data of ``trade``, sealed for ``recipient`` if not for the buyer (R69)."""
    held = listings.recall(vault, trade["listing"])
    package = deliveries.package_file(private_folder(packages), trade["id"])
    with instead.open("rb") as source, package.open("wb") as out:
        summary = seal_package(
            source,
            out,
            header=PackageHeader(trade["id"], trade["buyer"], trade["seller"], trade["listing"]),
            recipient=recipient or trade["pk_t"],
            salts=PackageSalts(salt_f=held.salt_f, salt_exact=held.salt_exact),
            size=instead.stat().st_size,
        )
    done = notices.submit(
        market,
        keys,
        vault,
        trade,
        root=_NO_ROOT,
        verdict=None,
        resource="notices",
        action="trade.send",
        params={"trade": trade["id"], "package_root": summary.root, "package_size": summary.size},
    )
    deliveries.upload_package(market, trade, packages)
    return done


def deny(market: Market, keys: Keys, vault: Vault, trade: dict[str, Any], received: Received) -> Done:
    """Say of good data that they are others than were promised (R70)."""
    lie = replace(received, verdict="bad", root=_NO_ROOT)
    return purchases.acknowledge(market, keys, vault, trade, lie)

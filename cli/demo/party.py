"""One party of the demo as an operating-system process: `python -m countermark.cli.demo.party`.

It has a home of its own, and is told the gateway's URL, and nothing else of the platform, by its first line of
standard input. Then it does what it is told by one JSON line at a time, and answers each by one on standard output.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countermark.cli.demo import cheats
from countermark.client import account, deliveries, disputes, listings, purchases, receiving, searches, trades
from countermark.client.claims import sides, view
from countermark.client.disputes import deciding
from countermark.client.errors import ClientError
from countermark.client.home import Home
from countermark.client.http import Http
from countermark.client.keystore import Keys
from countermark.client.market import Done, Market
from countermark.protocol.errors import MarketError


class Party:
    """A trader with his keys, his vault and his view of the market; every method is one thing that he can do."""

    def __init__(self, home: Home, keys: Keys, gateway: str, ca_file: str) -> None:
        self._home = home
        self._keys = keys
        self._vault = home.vault(keys)
        self._market = Market(Http(gateway, ca_file=ca_file, key=keys.account), keys.account, vault=self._vault)

    def open(self) -> dict[str, Any]:
        """Open the account."""
        return {"address": self._keys.address, **_told(account.open_account(self._market, self._keys))}

    def fund(self, amount: str, reference: str) -> dict[str, Any]:
        """Get money from the issuer."""
        return _told(account.fund(self._market, amount, reference))

    def balance(self) -> dict[str, Any]:
        """Tell the account's money."""
        return {"balance": account.balance(self._market)}

    def create(self, path: str, price: int, title: str, deadlines: dict[str, int]) -> dict[str, Any]:
        """Offer a file: steps (1) to (7)."""
        terms = listings.Terms(price, deadlines)
        return _told(listings.create(self._market, self._vault, Path(path), terms, listings.Words(title)))

    def charge_listing(self, listing: str) -> dict[str, Any]:
        """Pay the management fee: step (8)."""
        return _told(listings.charge(self._market, listing))

    def relist(self, listing: str, price: int) -> dict[str, Any]:
        """Put a bought listing on the market again."""
        return _told(listings.relist(self._market, listing, listings.Terms(price, {})))

    def browse(self) -> dict[str, Any]:
        """See what is for sale: step (9-1)."""
        return {"listings": [item["address"] for item in searches.browse(self._market)]}

    def search(self, path: str) -> dict[str, Any]:
        """Search by a sample: steps (9-2) and (10)."""
        return {"listings": searches.by_sample(self._market, self._keys, Path(path))}

    def trace(self, path: str) -> dict[str, Any]:
        """Ask whose a thing is, and through which sales it went."""
        return {"contracts": searches.trace(self._market, self._keys, Path(path))}

    def show(self, listing: str) -> dict[str, Any]:
        """Read a contract's description and price: step (10)."""
        return searches.show(self._market, listing)

    def buy(self, listing: str) -> dict[str, Any]:
        """Pay into the contract: step (11)."""
        return _told(purchases.buy(self._market, self._vault, listing))

    def await_state(self, trade: str, *states: str) -> dict[str, Any]:
        """Wait until a trade is in one of ``states``, and read it."""
        return trades.await_state(self._market, trade, frozenset(states))

    def charge(self, trade: str) -> dict[str, Any]:
        """Pay the transaction fee: step (12)."""
        return _told(deliveries.charge(self._market, trades.show(self._market, trade)))

    def send(self, trade: str) -> dict[str, Any]:
        """Encrypt and send with a notice: steps (13) to (16)."""
        packages = self._home.path / "packages"
        done = deliveries.send(self._market, self._keys, self._vault, trades.show(self._market, trade), packages)
        assert done is not None, "a first send is never a resumed one"
        return {**_told(done), "size": trades.show(self._market, trade)["package"]["size"]}

    def receive(self, trade: str, path: str) -> dict[str, Any]:
        """Fetch, decrypt, fingerprint, notify: steps (18) to (20)."""
        resource = trades.show(self._market, trade)
        downloads = self._home.path / "downloads"
        received = receiving.fetch(self._market, self._vault, resource, Path(path), downloads)
        done = purchases.acknowledge(self._market, self._keys, self._vault, resource, received)
        return {**_told(done), "verdict": received.verdict}

    def list_under_false_fingerprint(
        self, path: str, other: str, price: int, deadlines: dict[str, int]
    ) -> dict[str, Any]:
        """Cheat: offer a file by the fingerprint of another one."""
        terms, words = listings.Terms(price, deadlines), listings.Words("Not what it seems")
        made = cheats.list_under_false_fingerprint(self._market, self._vault, Path(path), Path(other), terms, words)
        return _told(made)

    def send_instead(self, trade: str, path: str) -> dict[str, Any]:
        """Cheat: send another file than was registered."""
        resource = trades.show(self._market, trade)
        packages = self._home.path / "packages"
        return _told(cheats.send_instead(self._market, self._keys, self._vault, resource, packages, Path(path)))

    def deny(self, trade: str, path: str) -> dict[str, Any]:
        """Cheat: receive good data, and say that they are bad."""
        resource = trades.show(self._market, trade)
        received = receiving.fetch(self._market, self._vault, resource, Path(path), self._home.path / "downloads")
        return _told(cheats.deny(self._market, self._keys, self._vault, resource, received))

    def dispute(self, trade: str, reason: str) -> dict[str, Any]:
        """Ask for a decision."""
        return _told(purchases.dispute(self._market, trade, reason))

    def open_key(self, trade: str) -> dict[str, Any]:
        """Open the one-time key to who decides."""
        return _told(disputes.open_key(self._market, self._vault, trades.show(self._market, trade)))

    def reasons(self, trade: str) -> dict[str, Any]:
        """Read why a dispute was decided as it was."""
        found = deciding.reasons_of(self._market, trades.show(self._market, trade))
        return {"finding": found.finding, "remark": found.remark}

    def claim(self, listing: str, statement: str, path: str) -> dict[str, Any]:
        """Say that a contract is of one's own data, and show a file as evidence."""
        return _told(
            sides.open_claim(self._market, sides.evidence_of(self._market, listing, statement, [Path(path)]))
        )

    def answer_claim(self, claim: str, statement: str) -> dict[str, Any]:
        """Answer for one's contract."""
        resource = view.show(self._market, claim)
        return _told(
            sides.answer(self._market, resource, sides.evidence_of(self._market, resource["listing"], statement, []))
        )

    def confirm(self, trade: str) -> dict[str, Any]:
        """Confirm: steps (23) and (24)."""
        return _told(purchases.confirm(self._market, trade))


def _told(done: Done) -> dict[str, Any]:
    return {"txid": done.txid, **done.result}


def serve(party: Party) -> None:
    """Answer requests ``{"do", "with"}`` until standard input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        act: Callable[..., dict[str, Any]] = getattr(party, request["do"])
        try:
            answer = {"ok": act(*request["with"])}
        except ClientError as error:
            answer = {"refused": {"code": error.code, "detail": error.detail, "txid": error.txid}}
        except MarketError as error:
            answer = {"refused": {"code": str(error.code), "detail": error.detail, "txid": ""}}
        print(json.dumps(answer), flush=True)


def main() -> None:
    """Run one party."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--passphrase-file", type=Path, required=True)
    arguments = parser.parse_args()
    home = Home(arguments.home)
    keys = home.create_account("default", arguments.passphrase_file.read_bytes().strip())
    met = sys.stdin.readline()
    if met:
        serve(Party(home, keys, **json.loads(met)))


if __name__ == "__main__":
    main()

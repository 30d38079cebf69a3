"""The ledger as an organisation's own client reaches it: for those who act for it, past every gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from countermark.client.market import Done
    from countermark.network.client import GatewayClient, LedgerError
    from countermark.protocol.market import MarketConfig

_TRIES = 3

CONNECTION = click.option(
    "--connection",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    envvar="COUNTERMARK_CONNECTION",
    help="Connection file of your own organisation's peer (connection/supervisor.json).",
)


class OwnLedger:
    """A `client.disputes.deciding.Ledger`, and a `client.orders.Ledger`, over a client of one's own organisation."""

    def __init__(self, client: "GatewayClient") -> None:
        self._client = client

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        profile = self._client.profile
        return f"{profile.channel}/{profile.chaincode}"

    @property
    def config(self) -> "MarketConfig":
        """The market configuration in force, as this organisation's peer has it.

        Raises:
            ClientError: the peer does not answer, or is of another market.
        """
        from countermark.network.client import LedgerError
        from countermark.protocol import canonical, market

        try:
            return market.parse(canonical.loads(self._client.evaluate("market.show", [])))
        except LedgerError as error:
            raise _error(error) from error

    def trade(self, trade: str) -> dict[str, Any]:
        """Return the record of ``trade``.

        Raises:
            ClientError: there is none, or the peer does not answer.
        """
        return self._record("trade", trade)

    def claim(self, claim: str) -> dict[str, Any]:
        """Return the record of ``claim``.

        Raises:
            ClientError: there is none, or the peer does not answer.
        """
        return self._record("claim", claim)

    def _record(self, noun: str, name: str) -> dict[str, Any]:
        from countermark.network.client import LedgerError
        from countermark.protocol import canonical

        try:
            record: dict[str, Any] = canonical.loads(self._client.evaluate(f"audit.{noun}", [name]))[noun]
        except LedgerError as error:
            raise _error(error) from error
        return record

    def submit(self, function: str, token: str) -> "Done":
        """Have the intent of ``token`` endorsed and ordered, and return it when it has committed.

        Raises:
            ClientError: the ledger refuses; or its outcome is not known, and this again does no harm.
        """
        from countermark.client.market import Done
        from countermark.network.client import CommitError, LedgerError, Retry
        from countermark.protocol import canonical

        for left in reversed(range(_TRIES)):
            try:
                endorsed = self._client.endorse(function, [token, "{}"])
                self._client.submit(endorsed.tx_id, endorsed.envelope)
                self._client.commit_status(endorsed.tx_id).check()
            except LedgerError as error:
                # The market's epoch went on meanwhile, say: nothing was changed, and the same intent counts once.
                if left and isinstance(error, CommitError) and error.retry is not Retry.NEVER:
                    continue
                raise _error(error) from error
            break
        answer: dict[str, Any] = canonical.loads(endorsed.result)
        return Done(endorsed.tx_id, answer, entity=str(answer.get("id", "")))


@contextmanager
def own_ledger(connection: Path) -> Iterator[OwnLedger]:
    """Give the ledger to which the file ``connection`` leads.

    Raises:
        ClientError: the file is damaged.
    """
    from contextlib import closing

    from countermark.client.errors import REFUSED_HERE, ClientError
    from countermark.network.client import ConnectionProfile, GatewayClient, LedgerError

    try:
        client = GatewayClient(ConnectionProfile.load(connection))
    except LedgerError as error:
        raise ClientError(REFUSED_HERE, f"{connection}: {error}") from error
    with closing(client):
        yield OwnLedger(client)


def _error(error: "LedgerError") -> Exception:
    from countermark.client.errors import ClientError

    found = error.market_error or error
    return ClientError(str(found.code), found.detail, txid=error.tx_id)

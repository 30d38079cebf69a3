"""/v1/transactions: what came of what was asked."""

from typing import Annotated

import flask
from pydantic import BaseModel, Field

from countermark.gateway import prefer
from countermark.gateway.api import answer, blueprint, gateway, wait_s
from countermark.gateway.schemas import Query, Transaction
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("transactions", "Transactions on the ledger")


class TransactionPath(BaseModel):
    """A transaction, by any of its ids."""

    txid: Annotated[str, Field(description="the id with which a write was answered, or any later one of it")]


class WaitQuery(Query):
    """How long to wait for the outcome."""

    wait: Annotated[int, Field(ge=0, le=prefer.LONGEST_WAIT_S, description="seconds")] = 0


@api.get("/v1/transactions/<txid>", responses={200: Transaction, 202: Transaction})
def show(path: TransactionPath, query: WaitQuery) -> flask.Response:
    """Return a transaction, held back until its outcome is known or the time is over."""
    passing = gateway().passing
    try:
        return answer(gateway().writes.transaction(path.txid, wait_s=max(query.wait, wait_s())))
    except MarketError as error:
        if passing is None or error.code is not ErrorCode.NOT_FOUND:
            raise
        # What was passed on may be under way there.
        return passing.pass_on()

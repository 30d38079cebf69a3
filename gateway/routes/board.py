"""/v1/board: receipts and proofs of one's own notices; all entries for the supervisor."""

from typing import Annotated

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, blueprint, collection, platform, services
from countermark.gateway.formats import Address, Digest, Time, Token, TradeId, TransactionId
from countermark.gateway.schemas import PageQuery, Resource
from countermark.platform.contracts.market import load_market
from countermark.platform.store.sql import Connection
from countermark.platform.views import board
from countermark.platform.views.board import BoardEntry
from countermark.protocol import times
from countermark.protocol.encoding import as_digest
from countermark.protocol.errors import ErrorCode, MarketError

api = blueprint("board", "The send-receive board")

_MOST_DIGITS = 15


class EntryPath(BaseModel):
    """An entry by its number."""

    seq: Annotated[str, Field(description="its number, a decimal", json_schema_extra={"example": "0"})]


class Entry(Resource):
    """An entry; who has the notice itself recomputes the leaf from it."""

    seq: Annotated[int, Field(ge=0)]
    kind: str
    trade: TradeId
    signer: Address
    digest: Annotated[Digest, Field(description="of the notice")]
    leaf: Digest
    received_at: Time
    anchored_by: Annotated[Time, Field(description="when its anchor stands on the ledger at the latest")]
    receipt: Annotated[Token, Field(description="the platform's receipt, compact JWS")]


class Entries(Resource):
    """A page of entries."""

    items: list[Entry]
    next: str | None


class Anchor(Resource):
    """The transaction that put the root on the ledger, and when."""

    txid: TransactionId
    at: Time


class Proof(Resource):
    """The proof (RFC 6962) that the entry is in the tree whose root stands on the ledger."""

    seq: Annotated[int, Field(ge=0)]
    leaf: Digest
    size: Annotated[int, Field(ge=1, description="leaves of the tree")]
    root: Digest
    path: Annotated[list[Digest], Field(description="from the leaf up")]
    anchor: Anchor


@api.get("/v1/board", responses={200: Entries}, security=SIGNED)
def browse(query: PageQuery) -> flask.Response:
    """Return one's own entries; the supervisor gets all."""
    asking = account()
    with services().database.autocommit() as connection:
        page = board.list_entries(
            connection, signer=_visible(connection, asking), cursor=query.cursor, limit=query.limit
        )
    return collection(map(_resource, page.entries), page.cursor)


@api.get("/v1/board/<seq>/proof", responses={200: Proof}, security=SIGNED)
def proof(path: EntryPath) -> flask.Response:
    """Return the proof that an entry stands under the last anchor."""
    asking = account()
    if not (path.seq.isascii() and path.seq.isdigit() and len(path.seq) <= _MOST_DIGITS):
        raise MarketError(ErrorCode.NOT_FOUND, "entries have numbers")
    with services().database.autocommit() as connection:
        entry = board.load_entry(connection, int(path.seq), signer=_visible(connection, asking))
        anchor = board.anchor_over(connection, entry.seq)
        steps = platform().board.inclusion_proof(connection, entry.seq, size=anchor.size)
    return flask.jsonify(
        {
            "seq": entry.seq,
            "leaf": as_digest(entry.leaf_hash),
            "size": anchor.size,
            "root": anchor.root,
            "path": [as_digest(step) for step in steps],
            "anchor": {"txid": anchor.tx_id, "at": times.to_text(anchor.at_ms)},
        }
    )


def _visible(connection: Connection, asking: str) -> str:
    """Return whose entries ``asking`` may see: his own, "" for all."""
    return "" if asking == load_market(connection).supervisor.account else asking


def _resource(entry: BoardEntry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "trade": entry.trade,
        "signer": entry.signer,
        "digest": entry.digest,
        "leaf": as_digest(entry.leaf_hash),
        "received_at": times.to_text(entry.received_at_ms),
        "anchored_by": times.to_text(entry.anchored_by_ms),
        "receipt": entry.receipt,
    }

"""/v1/board: receipts and proofs of one's own notices; all entries for the supervisor."""

import flask
from pydantic import BaseModel

from countermark.gateway.api import SIGNED, PageQuery, Resource, account, blueprint, collection, services
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

    seq: str


class Entry(Resource):
    """An entry; who has the notice itself recomputes the leaf from it."""

    seq: int
    kind: str
    trade: str
    signer: str
    digest: str
    leaf: str
    received_at: str
    anchored_by: str
    receipt: str


class Entries(Resource):
    """A page of entries."""

    items: list[Entry]
    next: str | None


class Anchor(Resource):
    """The transaction that put the root on the ledger, and when."""

    txid: str
    at: str


class Proof(Resource):
    """The proof (RFC 6962) that the entry is in the tree whose root stands on the ledger."""

    seq: int
    leaf: str
    size: int
    root: str
    path: list[str]
    anchor: Anchor


@api.get("/v1/board", responses={200: Entries}, security=SIGNED)
def browse(query: PageQuery) -> flask.Response:
    """Return one's own entries; the supervisor gets all."""
    asking = account()
    with services().database.begin() as connection:
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
    with services().database.begin() as connection:
        entry = board.load_entry(connection, int(path.seq), signer=_visible(connection, asking))
        anchor = board.anchor_over(connection, entry.seq)
        steps = services().board.inclusion_proof(connection, entry.seq, size=anchor.size)
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

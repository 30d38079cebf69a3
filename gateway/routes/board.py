"""/v1/board: receipts and proofs of one's own notices; all entries for the supervisor."""

from typing import Annotated, Literal

import flask
from pydantic import BaseModel, Field

from countermark.gateway.api import SIGNED, account, blueprint, collection, platform, services
from countermark.gateway.formats import Address, Digest, Time, Token, TradeId, TransactionId
from countermark.gateway.refusals import refusals
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


class ProofQuery(BaseModel):
    """In which of the trees that stand on the ledger."""

    tree: Annotated[
        Literal["first", "last"],
        Field(description="the first tree that has the entry, which shows when it was anchored, or the last one"),
    ] = "last"


class ConsistencyQuery(BaseModel):
    """Two trees that stand on the ledger, by their sizes."""

    first: Annotated[int, Field(ge=1, le=2**53 - 1, description="leaves of the smaller tree")]
    second: Annotated[int, Field(ge=1, le=2**53 - 1, description="leaves of the larger tree")]


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


class Tree(Resource):
    """A tree whose root stands on the ledger."""

    size: Annotated[int, Field(ge=1, description="leaves of the tree")]
    root: Digest


class Consistency(Resource):
    """The proof (RFC 6962) that the second tree is the first one and what came after it."""

    first: Tree
    second: Tree
    path: Annotated[list[Digest], Field(description="as in RFC 6962 section 2.1.2")]


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
def proof(path: EntryPath, query: ProofQuery) -> flask.Response:
    """Return the proof that an entry stands under an anchor."""
    asking = account()
    if not (path.seq.isascii() and path.seq.isdigit() and len(path.seq) <= _MOST_DIGITS):
        raise MarketError(ErrorCode.NOT_FOUND, "entries have numbers")
    with services().database.begin() as connection:
        shown = board.prove_entry(
            connection,
            platform().board,
            int(path.seq),
            signer=_visible(connection, asking),
            first=query.tree == "first",
        )
    return flask.jsonify(shown.to_json())


@api.get("/v1/board/consistency", responses={200: Consistency, **refusals(404)}, security=SIGNED)
def consistency(query: ConsistencyQuery) -> flask.Response:
    """Return the proof that one anchored tree goes on another, by which who knows the one can believe the other."""
    account()
    with services().database.begin() as connection:
        trees = [board.anchor_at(connection, size) for size in (query.first, query.second)]
        steps = platform().board.consistency_proof(connection, query.first, query.second)
    first, second = ({"size": tree.size, "root": tree.root} for tree in trees)
    return flask.jsonify({"first": first, "second": second, "path": [as_digest(step) for step in steps]})


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

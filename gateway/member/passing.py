"""Requests that only the platform can serve: passed on by a member's gateway as they are, body and answer in pieces.

Sealed messages, packages and the requests about them go through unread. Of what a write is answered with the
transaction is looked at: "committed" is said here too only when this gateway's own tables have the block. With each
request goes how many blocks they have: the platform, which may have read fewer, waits for these, so that it refuses
nobody for a state that he has seen to be over.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import flask

from countermark.gateway import prefer
from countermark.gateway.member.upstream import VIA, Answer, Upstream
from countermark.gateway.writes import Writes
from countermark.platform.store.engine import Database
from countermark.platform.views import progress
from countermark.protocol import canonical, claim_papers, fields
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.parts import MAX_BYTES

LONGEST_BODY: Mapping[str, int] = {
    "listings.create": 32 << 20,
    "listings.show": 0,
    # The ledger takes what changes the private collection from clients of its members alone.
    "listings.erase": 256 << 10,
    # A part, and what of JSON stands around it.
    "fingerprints.upload": MAX_BYTES + (64 << 10),
    "fingerprints.show": 0,
    "searches.search": 1 << 20,
    "searches.trace": 1 << 20,
    "packages.upload": 256 << 20,
    "packages.download": 0,
    "packages.upload_remedy": 256 << 20,
    "packages.download_remedy": 0,
    "audit.probes": 0,
    "board.browse": 0,
    "board.proof": 0,
    "board.consistency": 0,
    "accounts.fund": 256 << 10,
    "webhooks.register": 256 << 10,
    "webhooks.browse": 0,
    "webhooks.show": 0,
    "webhooks.remove": 0,
    "trades.send": 256 << 10,
    "trades.acknowledge": 256 << 10,
    "trades.remedy": 256 << 10,
    "disputes.open_key": 256 << 10,
    "disputes.show_opening": 0,
    "disputes.decide": 256 << 10,
    "disputes.show_decision": 0,
    "claims.create": claim_papers.LONGEST_BODY,
    "claims.give_answer": claim_papers.LONGEST_BODY,
    "claims.show_evidence": 0,
    "claims.decide": 256 << 10,
    "claims.show_decision": 0,
}
"""Routes whose requests are passed on, and the most bytes that a body of theirs may have."""

_EVIDENCE = ("disputes.open_key", "disputes.decide", "claims.create", "claims.give_answer", "claims.decide")

ASKED_FIRST = frozenset({"listings.show", "trades.send", "trades.acknowledge", "trades.remedy", *_EVIDENCE})
"""Those of them of which this gateway does its own part first."""

_TRANSACTIONS = frozenset(
    {
        *(
            "listings.create",
            "listings.erase",
            "accounts.fund",
            "trades.send",
            "trades.acknowledge",
            "trades.remedy",
            *_EVIDENCE,
        ),
        "transactions.show",
    }
)
"""Routes that answer with a transaction."""

_CHUNK = 256 << 10
_SEEN_WITHIN_S = 10.0
"""How long an answer is held back until this gateway has read the block of what was committed."""


class Passing:
    """Passes requests on. May be shared between threads."""

    def __init__(self, upstream: Upstream, writes: Writes, database: Database) -> None:
        """``database`` has the tables of this gateway."""
        self._upstream = upstream
        self._writes = writes
        self._database = database

    def pass_on(self, body: bytes | None = None, *, otherwise: flask.Response | None = None) -> flask.Response:
        """Return the platform's answer to the present request, or ``otherwise`` if it gives none.

        ``body`` is that of the request, if it was read.

        Raises:
            MarketError: PLATFORM_UNAVAILABLE, DATABASE_UNAVAILABLE; MALFORMED_REQUEST of a request that was passed on
                before.
        """
        try:
            answer = self._ask(body)
        except MarketError as error:
            if otherwise is None or error.code is not ErrorCode.PLATFORM_UNAVAILABLE:
                raise
            return otherwise
        if flask.request.endpoint in _TRANSACTIONS and answer.status < 300:
            return self._settled(answer)
        return _streamed(answer)

    def _ask(self, body: bytes | None) -> Answer:
        request = flask.request
        if VIA in request.headers.get("Via", ""):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, "a gateway has passed this on: its platform is none")
        pieces: Iterable[bytes] | None = None if body is None else [body]
        if body is None and (request.content_length or "Transfer-Encoding" in request.headers):
            pieces = _pieces(request.stream)
        return self._upstream.ask(
            request.method,
            # As it came over the wire: what WSGI has decoded cannot be encoded back for certain.
            request.environ.get("RAW_URI", ""),
            dict(request.headers),
            pieces,
            height=self._height(),
        )

    def _height(self) -> int:
        with self._database.autocommit() as connection:
            return progress.height(connection)

    def _settled(self, answer: Answer) -> flask.Response:
        """Return the answer to a write once its block is in this gateway's tables, or as one that is pending."""
        try:
            document = _document(answer.read())
        finally:
            answer.close()
        transaction = document.get("transaction", document)
        response = flask.jsonify(document)
        response.status_code = answer.status
        if transaction["state"] == "committed" and not self._writes.seen(_ordered(transaction), _deadline()):
            transaction.update(state="pending", result=None)
            response = flask.jsonify(document)
            response.status_code = 202
        if response.status_code == 202:
            response.headers["Location"] = f"/v1/transactions/{transaction['txid']}"
        return response


def _document(content: bytes) -> dict[str, Any]:
    """Return the transaction in an answer, or what it stands in.

    Raises:
        MarketError: PLATFORM_UNAVAILABLE; it is something else.
    """
    try:
        document: dict[str, Any] = canonical.loads(content, canonical=False)
        transaction = document.get("transaction", document)
        fields.text(300)(transaction["txid"])
        fields.text(20)(transaction["state"])
    except (MarketError, AttributeError, KeyError, TypeError) as error:
        raise MarketError(ErrorCode.PLATFORM_UNAVAILABLE, "the platform answered with something else") from error
    return document


def _streamed(answer: Answer) -> flask.Response:
    head = flask.request.method == "HEAD"
    response = flask.Response(() if head else answer.pieces(), status=answer.status)
    _take_fields(response, answer)
    response.call_on_close(answer.close)
    return response


def _take_fields(response: flask.Response, answer: Answer) -> None:
    response.headers.clear()
    response.headers.extend(answer.fields)


def _deadline() -> float:
    wait_s = prefer.wait_s(flask.request.headers.get("Prefer"))
    return time.monotonic() + max(_SEEN_WITHIN_S, wait_s)


def _ordered(transaction: dict[str, Any]) -> str:
    """Return the id under which what was asked for stands in a block: an earlier gateway's, if that was faster."""
    return str((transaction.get("result") or {}).get("tx") or transaction.get("txid", ""))


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece

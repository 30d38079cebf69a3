"""From an exception to one line for people (or one JSON document) and the exit status of interfaces.md."""

import json
import traceback
from typing import Any

import click

from countermark.audit.errors import AuditError
from countermark.client.errors import ClientError
from countermark.protocol.errors import ErrorCode

ERROR, REFUSED, UNKNOWN = 1, 3, 4

_NOT_A_REFUSAL = {
    ErrorCode.INTERNAL,
    ErrorCode.BUSY,
    ErrorCode.LEDGER_UNAVAILABLE,
    ErrorCode.DATABASE_UNAVAILABLE,
    ErrorCode.STORE_UNAVAILABLE,
    ErrorCode.ENDORSEMENT_FAILED,
    ErrorCode.CONFLICT,
}


def status_of(code: str) -> int:
    """Return the exit status for an error ``code``: 3 for a rule of the market, 4 for an unknown outcome, else 1."""
    if code == ErrorCode.OUTCOME_UNKNOWN:
        return UNKNOWN
    if code in set(ErrorCode) - _NOT_A_REFUSAL:
        return REFUSED
    return ERROR


def report(error: Exception, *, as_json: bool) -> int:
    """Print ``error`` (JSON on stdout, else one line on stderr) and return the exit status."""
    code, detail, txid, extra = _parts(error)
    if as_json:
        document: dict[str, Any] = {"error": {"code": code, "detail": detail, **extra}}
        if txid:
            document["error"]["txid"] = txid
        click.echo(json.dumps(document))
    else:
        click.echo(f"error: {code}: {detail}" if detail else f"error: {code}", err=True)
        for name, value in extra.items():
            click.echo(f"  {name}: {value}", err=True)
        if txid:
            click.echo(
                txid if status_of(code) == UNKNOWN else f"  transaction: {txid}", err=status_of(code) != UNKNOWN
            )
    return status_of(code)


def _parts(error: Exception) -> tuple[str, str, str, dict[str, Any]]:
    if isinstance(error, ClientError):
        return error.code, error.detail, error.txid, dict(error.extra or {})
    if isinstance(error, AuditError):
        places = {"block": error.block, "transaction": error.transaction}
        return error.code, error.detail, "", {name: place for name, place in places.items() if place >= 0}
    if hasattr(error, "code") and hasattr(error, "detail"):
        # The errors of ledger and blocks, told by their shape: their classes would import gRPC with them.
        return str(error.code), str(error.detail), str(getattr(error, "tx_id", "")), {}
    if isinstance(error, OSError) and error.strerror:
        return "file", f"{error.filename}: {error.strerror}" if error.filename else error.strerror, "", {}
    # A mistake of ours: the trace belongs to a report of it.
    traceback.print_exception(error)
    return str(ErrorCode.INTERNAL), type(error).__name__, "", {}

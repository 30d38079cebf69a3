"""From an exception to one line for people (or one JSON document) and the exit status of interfaces.md."""

import json
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import click

from countermark.audit.errors import AuditError
from countermark.client.errors import ClientError
from countermark.protocol.errors import ErrorCode

ERROR, USAGE, REFUSED, UNKNOWN = 1, 2, 3, 4

INTERRUPTED = "interrupted"
"""Code of a command that a signal has ended."""

_NOT_A_REFUSAL = {
    ErrorCode.INTERNAL,
    ErrorCode.BUSY,
    ErrorCode.LEDGER_UNAVAILABLE,
    ErrorCode.CLOCK_SKEWED,
    ErrorCode.DATABASE_UNAVAILABLE,
    ErrorCode.STORE_UNAVAILABLE,
    ErrorCode.ENDORSEMENT_FAILED,
    ErrorCode.CONFLICT,
}


@runtime_checkable
class _Coded(Protocol):
    """The errors of protocol and blocks, told by their shape: the latter's classes would import gRPC with them."""

    code: object
    detail: object


@runtime_checkable
class _OfTransaction(_Coded, Protocol):
    """The errors of the ledger."""

    tx_id: str


@dataclass(frozen=True)
class Failure:
    """What is told of an error; ``entity`` is what it is about, ``here`` that no market has refused anything."""

    code: str
    detail: str = ""
    txid: str = ""
    entity: str = ""
    here: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


def status_of(code: str) -> int:
    """Return the exit status for an error ``code``: 3 for a rule of the market, 4 for an unknown outcome, else 1."""
    if code == ErrorCode.OUTCOME_UNKNOWN:
        return UNKNOWN
    if code in set(ErrorCode) - _NOT_A_REFUSAL:
        return REFUSED
    return ERROR


def report(error: BaseException, *, as_json: bool, made: Mapping[str, Any] | None = None) -> int:
    """Print ``error`` (JSON on stdout, else one line on stderr) and return the exit status.

    ``made`` is what the command had made before, which the document must not hide.
    """
    failure = _failure(error)
    status = ERROR if failure.here else status_of(failure.code)
    try:
        if as_json:
            _print_document(failure, made or {})
        else:
            _print_lines(failure, unknown=status == UNKNOWN)
    except OSError as broken:
        no_output(broken)
    return status


def report_usage(error: click.ClickException, *, as_json: bool) -> int:
    """Print click's own ``error``, with its hint for people, and return the exit status."""
    try:
        if as_json:
            _print_document(Failure("usage", error.format_message()), {})
        else:
            error.show()
    except OSError as broken:
        no_output(broken)
    return error.exit_code


def _print_document(failure: Failure, made: Mapping[str, Any]) -> None:
    error = {"code": failure.code, "detail": failure.detail, **failure.extra}
    if failure.entity:
        error["id"] = failure.entity
    if failure.txid:
        error["txid"] = failure.txid
    click.echo(json.dumps({**made, "error": error}))


def _print_lines(failure: Failure, *, unknown: bool) -> None:
    # What somebody is left with who does not know what came of it.
    for name in (failure.entity, failure.txid) if unknown else ():
        if name:
            click.echo(name)
    click.echo(f"error: {failure.code}: {failure.detail}" if failure.detail else f"error: {failure.code}", err=True)
    for name, value in failure.extra.items():
        click.echo(f"  {name}: {value}", err=True)
    if failure.txid and not unknown:
        click.echo(f"  transaction: {failure.txid}", err=True)


def no_output(error: OSError) -> None:
    """Say that stdout took nothing, unless its reader has just seen enough; the rest of the output is dropped."""
    # The interpreter must not fail on flushing it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        click.echo(f"error: output: {error.strerror}", err=True)


def _failure(error: BaseException) -> Failure:
    if isinstance(error, ClientError):
        return Failure(error.code, error.detail, error.txid, error.entity, error.here, error.extra or {})
    if isinstance(error, AuditError):
        places = {"block": error.block, "transaction": error.transaction}
        return Failure(error.code, error.detail, extra={name: place for name, place in places.items() if place >= 0})
    if isinstance(error, _OfTransaction):
        return Failure(str(error.code), str(error.detail), error.tx_id)
    if isinstance(error, _Coded):
        return Failure(str(error.code), str(error.detail))
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure(INTERRUPTED)
    if isinstance(error, UnicodeError):
        return Failure("text", "something that was given is not valid UTF-8")
    if isinstance(error, OSError) and error.strerror:
        return Failure("file", f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    # A mistake of ours: the trace belongs to a report of it.
    traceback.print_exception(error)
    return Failure(str(ErrorCode.INTERNAL), type(error).__name__)

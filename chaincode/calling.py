"""The three ways to call a contract function, and how an invocation of each runs.

* by intent: arguments are the intent (JWS) and its unsigned attachments (canonical JSON). The first outcome of an
  intent is kept; the same intent again gets it back and writes nothing.
* open: anybody may call it; its arguments name what is to be closed.
* evaluate-only: it gets a reader and has nothing to write with.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from countermark.chaincode import state
from countermark.chaincode.arguments import arguments
from countermark.chaincode.context import Answer, Reader, Transaction, read_epoch
from countermark.chaincode.entities import read_account
from countermark.chaincode.naming import named
from countermark.chaincode.records.account import Account
from countermark.chaincode.shim.stub import OK, Response, Stub
from countermark.protocol import actions, canonical, fields, intents
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.intents import Intent
from countermark.protocol.market import MarketConfig


@dataclass(frozen=True)
class ByIntent:
    """A function that an intent asks for.

    ``attachments`` are the unsigned members that the submitting gateway may add. ``anyone`` lets an account act that
    is not open: to open it, to burn a nonce, to veto its recovery.
    """

    run: Callable[[Transaction], Awaitable[Answer]]
    attachments: Mapping[str, fields.Parser] = field(default_factory=dict)
    anyone: bool = False

    async def call(self, stub: Stub) -> Response:
        """Run an invocation: the stored outcome if the intent has had one, else its first.

        Raises:
            MarketError: the refusal.
        """
        token, attached = arguments(stub, 2)
        reader = Reader(stub)
        try:
            intent = intents.parse(token, market=reader.market, action=stub.function)
        except MarketError:
            await reader.config()  # whoever asks another market, or none, hears that before anything else
            raise
        signer = () if self.anyone else (state.account(intent.signer),)
        own = state.intent(intent.signer, intent.nonce)
        # One request to the peer costs as much as all that is decided on its answer. Only a replay reads more by this
        # than it needs, and that has nothing to commit.
        await reader.fetch((state.MARKET, state.EPOCH, own, *signer, *named(intent)))
        config = await reader.config()
        known = await reader.find(own)
        if known is not None:
            return _replay(known, intent)
        intents.check_time(intent, reader.now_ms, longest_s=actions.longest_s(intent.action, config))
        account = None if self.anyone else await _signer(reader, intent)
        tx = Transaction(
            reader,
            config,
            await read_epoch(reader),
            intent=intent,
            account=account,
            attachments=_attachments(attached, self.attachments),
        )
        answer = await self.run(tx)
        response = _response(tx, answer)
        tx.put(own, {"cancelled": False, "digest": intent.digest, "response": response, "tx": tx.tx_id})
        return await _finish(tx, answer, response)


@dataclass(frozen=True)
class Open:
    """A function that anybody may call, with ``count`` plain arguments."""

    run: Callable[..., Awaitable[Answer]]
    count: int

    async def call(self, stub: Stub) -> Response:
        """Run an invocation; where there is nothing left to do it writes nothing.

        Raises:
            MarketError: the refusal.
        """
        plain = arguments(stub, self.count)
        reader = Reader(stub)
        await reader.fetch((state.MARKET, state.EPOCH))
        config = await reader.config()
        tx = Transaction(reader, config, await read_epoch(reader))
        answer = await self.run(tx, *plain)
        return await _finish(tx, answer, _response(tx, answer))


@dataclass(frozen=True)
class EvaluateOnly:
    """A function with ``count`` plain arguments that only reads; its answer is canonical JSON."""

    run: Callable[..., Awaitable[object]]
    count: int

    async def call(self, stub: Stub) -> Response:
        """Run an evaluation.

        Raises:
            MarketError: the refusal.
        """
        plain = arguments(stub, self.count)
        reader = Reader(stub)
        await reader.config()  # even where the function needs none: it must be asked under its own name
        return Response(OK, canonical.dumps(await self.run(reader, *plain)))


@dataclass(frozen=True)
class Founding:
    """The one function that runs before there is a market: it brings its own configuration."""

    configure: Callable[[Stub], MarketConfig]
    run: Callable[[Transaction], Awaitable[Answer]]

    async def call(self, stub: Stub) -> Response:
        """Run the invocation.

        Raises:
            MarketError: the refusal.
        """
        tx = Transaction(Reader(stub), self.configure(stub), None)
        answer = await self.run(tx)
        return await _finish(tx, answer, _response(tx, answer))


Function = ByIntent | Open | EvaluateOnly | Founding


def _attachments(text: str, allowed: Mapping[str, fields.Parser]) -> dict[str, Any]:
    parsers = {name: fields.optional(parser) for name, parser in allowed.items()}
    return fields.record(canonical.loads(text), parsers)


async def _signer(reader: Reader, intent: Intent) -> Account:
    account = await read_account(reader, intent.signer)
    account.check_open()
    return account


def _replay(known: Mapping[str, Any], intent: Intent) -> Response:
    if known["cancelled"]:
        raise MarketError(ErrorCode.INTENT_CANCELLED, "the intent's nonce has been cancelled")
    if known["digest"] != intent.digest:
        raise MarketError(ErrorCode.INTENT_REPLAYED, "another intent has used this nonce")
    return Response(OK, state.encode({**known["response"], "replayed": True}))


def _response(tx: Transaction, answer: Answer) -> dict[str, Any]:
    return {**answer.more, "id": answer.id, "state": answer.state, "tx": tx.tx_id}


async def _finish(tx: Transaction, answer: Answer, response: Mapping[str, Any]) -> Response:
    if not tx.writes:
        # Nothing was left to do: idempotent calls of open functions end here.
        return Response(OK, state.encode({**response, "replayed": True}))
    await tx.flush()
    event = {
        "function": tx.stub.function,
        "id": answer.id,
        "parties": list(answer.parties),
        "state": answer.state,
    }
    tx.stub.set_event(tx.stub.function, state.encode(event))
    return Response(OK, state.encode(response))

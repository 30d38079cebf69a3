"""Evidence from the ledger, evaluated on the asking organisation's own peer; nothing here writes."""

from collections.abc import Callable
from typing import Any

from countermark.chaincode import state
from countermark.chaincode.arguments import decimal
from countermark.chaincode.context import Reader
from countermark.protocol import accounts, fields, ids, sealed, times
from countermark.protocol.errors import ErrorCode, MarketError

MAX_PAGE = 1_000
"""Most keys of one page, and most changes of one history."""
OPENING_KIND = "opening"
"""Kind of the sealed message in which an opening is answered."""


async def trade(reader: Reader, trade_id: str) -> object:
    """Return a trade, its listing, and each step with its transaction and time.

    Raises:
        MarketError: NOT_PERMITTED; UNKNOWN_TRADE.
    """
    await _require_member(reader)
    key = state.trade(ids.parse_trade(trade_id))
    record = await reader.read(key, ErrorCode.UNKNOWN_TRADE, "there is no such trade")
    return {
        "history": await _steps(reader, key, "deadline", "decider", "outcome", "state"),
        "listing": await reader.find(state.listing(record["listing"])),
        "trade": record,
    }


async def listing(reader: Reader, address: str) -> object:
    """Return a listing, its exact key's record, and each step: who owned it, under which offer, in which trade.

    Raises:
        MarketError: NOT_PERMITTED; UNKNOWN_LISTING.
    """
    await _require_member(reader)
    key = state.listing(ids.parse_listing(address))
    record = await reader.read(key, ErrorCode.UNKNOWN_LISTING, "there is no such listing")
    return {
        "exact": await reader.find(state.exact(record["exact_key"])),
        "history": await _steps(reader, key, "claim", "offer", "owner", "state", "trade"),
        "listing": record,
    }


async def claim(reader: Reader, claim_id: str) -> object:
    """Return a claim of ownership and each step of it.

    Raises:
        MarketError: NOT_PERMITTED; UNKNOWN_CLAIM.
    """
    await _require_member(reader)
    key = state.claim(ids.parse_claim(claim_id))
    record = await reader.read(key, ErrorCode.UNKNOWN_CLAIM, "there is no such claim")
    return {"claim": record, "history": await _steps(reader, key, "deadline", "outcome", "owner", "state")}


async def account(reader: Reader, address: str) -> object:
    """Return an account and each change of it.

    Raises:
        MarketError: NOT_PERMITTED; UNKNOWN_ACCOUNT, MALFORMED_ADDRESS.
    """
    await _require_member(reader)
    key = state.account(accounts.parse_address(address))
    record = await reader.read(key, ErrorCode.UNKNOWN_ACCOUNT, "there is no such account")
    return {
        "account": record,
        "history": await _steps(reader, key, "encryption_key", "frozen_by", "state"),
    }


async def history(reader: Reader, key: str) -> object:
    """Return the changes of any public key, newest first: transaction, time, record (None where deleted).

    Raises:
        MarketError: NOT_PERMITTED.
    """
    await _require_member(reader)
    return await _changes(reader, key, lambda record: {"record": record})


async def page(reader: Reader, prefix: str, limit: str, bookmark: str) -> object:
    """Return up to ``limit`` keys under ``prefix`` with their records, and the bookmark of the next page.

    Raises:
        MarketError: NOT_PERMITTED; MALFORMED_REQUEST for a bad prefix, limit or bookmark.
    """
    await _require_member(reader)
    page_size = decimal(limit, 1, MAX_PAGE)
    if not prefix.endswith("/"):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "a prefix ends with a slash")
    if bookmark and not bookmark.startswith(prefix):
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "the bookmark belongs to another prefix")
    # "0" follows "/" in the order of keys, so the range holds exactly the keys that begin with the prefix.
    end = prefix[:-1] + "0"
    found = await reader.stub.get_state_by_range(prefix, end, page_size=page_size, bookmark=bookmark)
    return {
        "bookmark": found.bookmark,
        "items": [{"key": key, "record": state.decode(value)} for key, value in found.items],
    }


async def opening(reader: Reader, address: str, key: str, key_version: str) -> object:
    """Return a listing's opening, sealed to the caller's encryption key; for platform and supervisor.

    Raises:
        MarketError: NOT_PERMITTED; UNKNOWN_LISTING; MALFORMED_REQUEST or MALFORMED_KEY for the key.
    """
    config = await reader.config()
    if config.organisations.get(reader.stub.creator_mspid) not in ("platform", "supervisor"):
        raise MarketError(ErrorCode.NOT_PERMITTED, "openings are for platform and supervisor")
    version = decimal(key_version, 1, fields.MAX_KEY_VERSION)
    public = sealed.parse_public(key)
    secret = await reader.stub.get_private_data(state.FINGERPRINTS, state.opening(ids.parse_listing(address)))
    if secret is None:
        raise MarketError(ErrorCode.UNKNOWN_LISTING, "there is no opening of such a listing")
    return sealed.seal(public, secret, kind=OPENING_KIND, market=reader.market, key_version=version)


async def _require_member(reader: Reader) -> None:
    if reader.stub.creator_mspid not in (await reader.config()).organisations:
        raise MarketError(ErrorCode.NOT_PERMITTED, "only an organisation of the market may ask")


async def _steps(reader: Reader, key: str, *members: str) -> list[dict[str, Any]]:
    return await _changes(reader, key, lambda record: {name: record and record[name] for name in members})


async def _changes(
    reader: Reader, key: str, show: Callable[[dict[str, Any] | None], dict[str, Any]]
) -> list[dict[str, Any]]:
    entries = await reader.stub.get_history_for_key(key, limit=MAX_PAGE)
    return [
        {
            "at": times.to_text(entry.timestamp_ms),
            "tx": entry.tx_id,
            **show(None if entry.is_delete else state.decode(entry.value)),
        }
        for entry in entries
    ]

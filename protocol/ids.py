"""Identifiers of contracts, trades and claims: derived from what their maker signed, so that a retry keeps its id.

No private key belongs to a contract's address (decision D-3): money under it moves by the rules of the chaincode
alone.
"""

import re
from hashlib import sha256

from countermark.protocol.encoding import base32
from countermark.protocol.errors import ErrorCode, MarketError

_LISTING = re.compile(r"dc1[a-z2-7]{52}")
_TRADE = re.compile(r"tr1[a-z2-7]{52}")
_CLAIM = re.compile(r"cl1[a-z2-7]{52}")


def _derive(prefix: str, *parts: str) -> str:
    # Each part is preceded by its length, so no two lists of parts have the same bytes.
    digest = sha256(prefix.encode())
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return prefix + base32(digest.digest())


def listing_address(*, market: str, c_f: str, seller: str, nonce: str) -> str:
    """Return the address ``dc1…`` of the contract that ``seller``'s ``listing.create`` makes.

    ``market`` is channel/chaincode, ``c_f`` the fingerprint commitment, ``nonce`` that of the intent.
    """
    return _derive("dc1", market, c_f, seller, nonce)


def trade_id(*, market: str, listing: str, buyer: str, nonce: str) -> str:
    """Return the id ``tr1…`` of the trade that ``buyer``'s ``trade.pay`` opens."""
    return _derive("tr1", market, listing, buyer, nonce)


def claim_id(*, market: str, listing: str, claimant: str, nonce: str) -> str:
    """Return the id ``cl1…`` of the claim that ``claimant``'s ``claim.open`` makes."""
    return _derive("cl1", market, listing, claimant, nonce)


def parse_listing(text: object) -> str:
    """Return ``text`` if it has the form of a listing's address.

    Raises:
        MarketError: UNKNOWN_LISTING; a malformed address names no listing.
    """
    if not isinstance(text, str) or not _LISTING.fullmatch(text):
        raise MarketError(ErrorCode.UNKNOWN_LISTING, "no listing has such an address")
    return text


def is_trade(text: str) -> bool:
    """Return whether ``text`` has the form of a trade's id."""
    return _TRADE.fullmatch(text) is not None


def parse_trade(text: object) -> str:
    """Return ``text`` if it has the form of a trade's id.

    Raises:
        MarketError: UNKNOWN_TRADE; a malformed id names no trade.
    """
    if not isinstance(text, str) or not _TRADE.fullmatch(text):
        raise MarketError(ErrorCode.UNKNOWN_TRADE, "no trade has such an id")
    return text


def parse_claim(text: object) -> str:
    """Return ``text`` if it has the form of a claim's id.

    Raises:
        MarketError: UNKNOWN_CLAIM; a malformed id names no claim.
    """
    if not isinstance(text, str) or not _CLAIM.fullmatch(text):
        raise MarketError(ErrorCode.UNKNOWN_CLAIM, "no claim has such an id")
    return text

"""Signed messages beside intents: notices for the board, receipts of the platform, searches by sample."""

from random import Random

from countermark.protocol import notices, receipts, searches, times
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.errors import MarketError
from tests.fuzz import tokens
from tests.fuzz.decoder import Decoder
from tests.fuzz.jsonwise import spell
from tests.fuzz.parties import BUYER, LISTING, MARKET, NONCE, NOW_MS, PLATFORM, SELLER, TRADE


def _notice(role: str) -> bytes:
    return spell(
        {
            "aud": PLATFORM.address,
            "blind": b64u(b"b" * notices.BLIND_BYTES),
            "buyer": BUYER.address,
            "claimed_at": times.to_text(NOW_MS),
            "fingerprint_root": digest(b"root"),
            "listing": LISTING,
            "market": MARKET,
            "nonce": NONCE,
            "role": role,
            "seller": SELLER.address,
            "trade": TRADE,
            "verdict": "match" if role == "buyer" else None,
        }
    )


NOTICES = {SELLER: [_notice("seller")], BUYER: [_notice("buyer")]}
"""Payloads of good notices by who signs them."""

RECEIPTS = [
    spell(
        {
            "anchored_by": times.to_text(NOW_MS + 600_000),
            "kind": kind,
            "leaf": digest(b"leaf"),
            "market": MARKET,
            "received_at": times.to_text(NOW_MS),
            "subject": TRADE,
        }
    )
    for kind in ("seller_notice", "buyer_notice")
]
SEARCHES = [
    spell({"fingerprint": b64u(data), "issued_at": times.to_text(NOW_MS), "market": MARKET, "nonce": NONCE})
    for data in (b"fingerprint", bytes(range(256)) * 8)
]


def make_notice(random: Random) -> str:
    """Return a hostile notice."""
    key = random.choice((SELLER, BUYER))
    return tokens.change(random, key, notices.TYP, NOTICES[key])


def make_search(random: Random) -> str:
    """Return a hostile search."""
    return tokens.change(random, BUYER, searches.TYP, SEARCHES)


def read_notice(token: str) -> None:
    """Read it as the board does."""
    notices.parse_notice(token, market=MARKET, platform=PLATFORM.address)


def read_search(token: str) -> None:
    """Read it as the platform does."""
    searches.check_time(searches.parse_search(token, market=MARKET), NOW_MS)


def _make(random: Random) -> tuple[str, str]:
    what = random.choice(("notice", "receipt", "search"))
    if what == "receipt":
        return what, tokens.change(random, PLATFORM, receipts.TYP, RECEIPTS)
    return what, make_notice(random) if what == "notice" else make_search(random)


def _read(case: tuple[str, str]) -> None:
    what, token = case
    if what == "receipt":
        receipts.parse_receipt(token, market=MARKET, platform=PLATFORM.address)
    elif what == "notice":
        read_notice(token)
    else:
        read_search(token)


def decoder() -> Decoder:
    """Return the decoder of notices, receipts and searches."""
    return Decoder(_make, _read, (MarketError,))

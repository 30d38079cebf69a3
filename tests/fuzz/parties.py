"""Parties whose keys are the same in every run."""

from hashlib import sha256

from countermark.protocol import ids
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.sealed import PRIVATE_KEY_BYTES, EncryptionKey

MARKET = "market/countermark"
NOW_MS = 1_800_000_000_000


def account(name: str) -> AccountKey:
    """Return the signing key of the party `name`."""
    return AccountKey.from_bytes(sha256(name.encode()).digest())


def encryption(name: str) -> EncryptionKey:
    """Return the encryption key of the party `name`."""
    return EncryptionKey.from_bytes((sha256(name.encode()).digest() * 3)[:PRIVATE_KEY_BYTES])


SELLER, BUYER, PLATFORM = account("seller"), account("buyer"), account("platform")
PLATFORM_ENCRYPTION, ONE_TIME = encryption("platform"), encryption("one-time")
NONCE = b64u(b"n" * 16)
LISTING = ids.listing_address(market=MARKET, c_f=digest(b"f"), seller=SELLER.address, nonce=NONCE)
TRADE = ids.trade_id(market=MARKET, listing=LISTING, buyer=BUYER.address, nonce=NONCE)

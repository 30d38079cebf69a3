"""Signed messages beside intents: notices, receipts, searches by sample; and what parties keep of the board."""

from random import Random

from countermark.protocol import canonical, jws, merkle, notices, receipts, searches, times
from countermark.protocol.board_proofs import BoardProof, Growth, Inclusion, Tree
from countermark.protocol.encoding import b64u, digest
from countermark.protocol.entries import Entry
from countermark.protocol.errors import MarketError
from tests.fuzz import jsonwise, tokens
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


def _proof() -> bytes:
    """Return the document of a seller's entry, number 3 of 9, in a tree that was 6 before."""
    token = jws.sign(SELLER, notices.TYP, canonical.loads(_notice("seller")))
    signed = notices.parse_notice(token, market=MARKET, platform=PLATFORM.address)
    entry = Entry.of(signed, seq=3, received_at_ms=NOW_MS)
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(9)]
    leaves[3] = entry.leaf_hash()
    trees = {size: Tree(size, merkle.root(leaves[:size])) for size in (6, 9)}
    receipt = receipts.sign_receipt(PLATFORM, entry.receipt(anchored_by_ms=NOW_MS + 600_000), market=MARKET)
    inclusion = Inclusion(3, leaves[3], trees[9], tuple(merkle.inclusion_proof(leaves, 3)))
    growth = Growth(trees[6], tuple(merkle.consistency_proof(leaves, 6)))
    return BoardProof(MARKET, receipt, entry, inclusion, growth).to_bytes()


PROOFS = [_proof()]


def _make(random: Random) -> tuple[str, str | bytes]:
    what = random.choice(("notice", "receipt", "search", "proof"))
    if what == "proof":
        return what, jsonwise.change(random, PROOFS[0], PROOFS)
    if what == "receipt":
        return what, tokens.change(random, PLATFORM, receipts.TYP, RECEIPTS)
    return what, make_notice(random) if what == "notice" else make_search(random)


def _read(case: tuple[str, str | bytes]) -> None:
    what, token = case
    if isinstance(token, bytes):
        proof = BoardProof.from_bytes(token)
        assert proof.to_bytes() == token, "a document has one spelling"
        proof.check(platform=PLATFORM.address)
    elif what == "receipt":
        receipts.parse_receipt(token, market=MARKET, platform=PLATFORM.address)
    elif what == "notice":
        read_notice(token)
    else:
        read_search(token)


def decoder() -> Decoder:
    """Return the decoder of notices, receipts, searches and what is kept of the board."""
    return Decoder(_make, _read, (MarketError,))

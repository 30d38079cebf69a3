"""Applications to register data: intent, opening and fingerprints, as they stand in a sealed message."""

import json
from random import Random
from typing import Any

from countermark import fingerprint
from countermark.platform.contracts import application
from countermark.protocol import commitments, intents, market, times
from countermark.protocol.commitments import Opening
from countermark.protocol.description import Description
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import MarketError
from tests.fuzz import bytewise, jsonwise, tokens
from tests.fuzz.decoder import Decoder
from tests.fuzz.parties import MARKET, NONCE, NOW_MS, SELLER
from tests.support.market import DEADLINES, config_json
from tests.support.pictures import fingerprint as fingerprint_of
from tests.support.pictures import photo

_CONFIG = market.parse(config_json())


def _good(*generators: str) -> dict[str, Any]:
    """Return the parts of a good application with fingerprints of one picture by `generators`."""
    items = [fingerprint_of(photo("coffee"), generator=generator).to_bytes() for generator in sorted(generators)]
    opening = Opening(
        root=commitments.fingerprint_root(items),
        exact=b"e" * 32,
        description=Description("image/jpeg", len(items), 1000, "A title", "Words", ("tag", "another")),
        **dict.fromkeys(("salt_f", "salt_d", "salt_exact"), b"s" * 32),
        items=len(items),
    )
    promised = opening.commitments()
    params = {
        "c_f": promised.c_f,
        "c_d": promised.c_d,
        "c_exact": promised.c_exact,
        "items": len(items),
        "generator": generators[0],
        "offer": {"right": "ownership", "price": "20000", "deadlines": DEADLINES},
    }
    return {
        "items": [b64u(item) for item in items],
        "opening": json.loads(opening.to_json()),
        "payload": {
            "action": application.ACTION,
            "expires_at": times.to_text(NOW_MS + 300_000),
            "issued_at": times.to_text(NOW_MS),
            "market": MARKET,
            "nonce": NONCE,
            "params": params,
        },
    }


GOOD = [jsonwise.spell(_good("image/v1")), jsonwise.spell(_good("image/v1", "image/paper-v0"))]


def make(random: Random) -> bytes:
    """Return a hostile application, its intent signed over whatever it says."""
    good = random.choice(GOOD)
    parts = json.loads(good)
    payload, opening = jsonwise.spell(parts["payload"]), jsonwise.spell(parts["opening"])
    what = random.random()
    if what < 0.3:
        payload = jsonwise.change(random, payload, GOOD)
    elif what < 0.6:
        opening = jsonwise.change(random, opening, GOOD)
    intent = tokens.token(SELLER, tokens.header(SELLER, intents.TYP), payload)
    items = jsonwise.spell(parts["items"])
    whole = b'{"intent":"%b","items":%b,"opening":%b}' % (intent.encode(), items, opening)
    if what < 0.6:
        return whole
    return jsonwise.change(random, whole, [whole]) if what < 0.85 else bytewise.change(random, whole, [whole])


def read(plaintext: bytes) -> None:
    """Read it as the gate does before it compares."""
    draft = application.parse_draft(plaintext, market=MARKET)
    application.check_terms(draft, config=_CONFIG, now_ms=NOW_MS)
    # Of parts only digests are at hand.
    application.examine(draft, draft.items, config=_CONFIG)


def decoder() -> Decoder:
    """Return the decoder of applications."""
    assert fingerprint.generators()
    return Decoder(make, read, (MarketError,))

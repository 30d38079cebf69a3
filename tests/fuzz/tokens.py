"""Changes to signed messages (compact JWS): the token, its header, or its payload under a good signature."""

from collections.abc import Sequence
from random import Random

from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u
from tests.fuzz import bytewise, jsonwise
from tests.support import es256


def header(key: AccountKey, typ: str) -> bytes:
    """Return the header that a good message has."""
    return jsonwise.spell({"alg": "ES256", "kid": key.address, "typ": typ})


def token(key: AccountKey, head: bytes, payload: bytes) -> str:
    """Return the token of any bytes whatever, signed by `key`."""
    signed = f"{b64u(head)}.{b64u(payload)}"
    return f"{signed}.{b64u(es256.sign(key, signed.encode()))}"


def change(random: Random, key: AccountKey, typ: str, payloads: Sequence[bytes]) -> str:
    """Return a message that `key` signed whose header or payload was changed before, or the token afterwards."""
    head, payload, what = header(key, typ), random.choice(payloads), random.random()
    if what < 0.65:
        return token(key, head, jsonwise.change(random, payload, payloads))
    if what < 0.8:
        return token(key, jsonwise.change(random, head, [head, *payloads]), payload)
    whole = [token(key, head, random.choice(payloads)).encode() for _ in range(2)]
    return bytewise.change(random, whole[0], whole).decode("utf-8", random.choice(("replace", "surrogateescape")))

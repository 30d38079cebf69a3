"""Money for the asking, on ledgers for development only: the issuer's intent `coin.mint`, signed by the gateway."""

import itertools
import time
from hashlib import sha256

from countermark.gateway.services import PlatformServices
from countermark.gateway.writes import Outcome, Writes
from countermark.platform.store.outbox import State
from countermark.protocol import canonical, intents
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode, MarketError


def fund(services: PlatformServices, writes: Writes, *, to: str, amount: str, reference: str, wait_s: int) -> Outcome:
    """Mint ``amount`` minor units for the account ``to`` against the deposit ``reference``, which works once.

    Asked again, it tells what came of the first time; what failed then is tried anew. It counts for ``to``.

    Raises:
        MarketError: NOT_FOUND where there is no faucet; a code of `Writes.ask`, `coin.mint` among them.
    """
    key = services.keys.issuer
    if not services.site.faucet or key is None:
        raise MarketError(ErrorCode.NOT_FOUND, "this gateway has no faucet")
    params = {"to": to, "amount": amount, "reference": reference}
    deadline = time.monotonic() + wait_s
    for attempt in itertools.count():
        nonce = b64u(sha256(canonical.dumps({**params, "attempt": attempt})).digest()[: intents.NONCE_BYTES])
        with services.database.begin() as connection:
            earlier = services.outbox.find_intent(connection, key.address, nonce)
        if earlier is None:
            break
        if earlier.state not in (State.REFUSED, State.INVALID):
            return writes.outcome(earlier, deadline)
    token = intents.sign(
        key,
        market=services.site.market,
        action="coin.mint",
        params=params,
        issued_at_ms=services.clock(),
        nonce=nonce,
    )
    return writes.ask(writes.parse(token, "coin.mint"), wait_s=wait_s, account=to)

"""The market's contracts as a dishonest organisation would run them, as a server of their own.

Whatever they make or change and has an owner belongs to the thief, coins and contracts alike. And `peek` shows
anybody what the private collection holds under a key.
"""

import sys
from typing import Any

from countermark.chaincode import state
from countermark.chaincode.registry import handler
from countermark.chaincode.server import main
from countermark.chaincode.shim.stub import OK, Response, Stub
from countermark.protocol import canonical
from countermark.protocol.accounts import AccountKey

THIEF = AccountKey.from_bytes(bytes(31) + b"\x07").address


class Crooked:
    """A stub that is honest but for the owners of things."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)

    async def put_state(self, key: str, value: bytes) -> None:
        record = canonical.loads(value)
        if "owner" in record:
            value = canonical.dumps({**record, "owner": THIEF})
        await self._stub.put_state(key, value)


async def handle(stub: Stub) -> Response:
    if stub.function == "peek":
        return Response(OK, await stub.get_private_data(state.FINGERPRINTS, stub.args[0].decode()) or b"")
    return await handler(Crooked(stub))  # type: ignore[arg-type] # it has whatever a stub has


if __name__ == "__main__":
    sys.exit(main(handler=handle))

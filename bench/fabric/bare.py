"""The yardstick: a contract that puts one key, by the same shim, as a server of its own.

python bench/fabric/bare.py --address … --ccid … (see countermark.chaincode.server)
"""

import sys

from countermark.chaincode.server import main
from countermark.chaincode.shim.stub import ERROR, OK, Response, Stub


async def handle(stub: Stub) -> Response:
    if stub.function != "put":
        return Response(ERROR, message=f"there is no function {stub.function}")
    key, value = stub.args
    await stub.put_state(key.decode(), value)
    return Response(OK)


if __name__ == "__main__":
    sys.exit(main(handler=handle))

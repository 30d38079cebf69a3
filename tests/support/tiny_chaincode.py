"""A chaincode with one function per thing that a peer offers, to be run as a server of its own.

With `TINY_LIES=1` in the environment it answers `put` with another value than it was given: a lying organisation.
"""

import json
import os
import sys

from countermark.chaincode.server import main
from countermark.chaincode.shim.stub import ERROR, OK, Response, Stub

LIES = os.environ.get("TINY_LIES") == "1"


async def handle(stub: Stub) -> Response:
    args = [one.decode() for one in stub.args]
    match stub.function:
        case "put":
            key, value = args
            await stub.put_state(key, (value + " for me" if LIES else value).encode())
            stub.set_event("put", key.encode())
            return Response(OK, value.encode())
        case "lie":
            return Response(OK, b"lie" if LIES else b"truth")
        case "get":
            return Response(OK, await stub.get_state(args[0]) or b"")
        case "add_up":
            *addends, total = args
            values = await stub.get_states(addends)
            await stub.put_state(total, str(sum(int(value or b"0") for value in values)).encode())
            return Response(OK, json.dumps([value and value.decode() for value in values]).encode())
        case "delete":
            await stub.del_state(args[0])
            return Response(OK)
        case "add":
            before = int(await stub.get_state(args[0]) or b"0")
            await stub.put_state(args[0], str(before + int(args[1])).encode())
            stub.set_event("add", args[0].encode())
            return Response(OK, str(before + int(args[1])).encode())
        case "write_then_read":
            await stub.put_state(args[0], b"new")
            return Response(OK, await stub.get_state(args[0]) or b"")
        case "count_into":
            page = await stub.get_state_by_range(args[0], args[1])
            await stub.put_state(args[2], str(len(page.items)).encode())
            return Response(OK, str(len(page.items)).encode())
        case "range":
            page = await stub.get_state_by_range(args[0], args[1], page_size=int(args[2]), bookmark=args[3])
            return Response(OK, json.dumps([[key for key, _ in page.items], page.bookmark]).encode())
        case "page_then_write":
            await stub.get_state_by_range("", "", page_size=2)
            await stub.put_state("page", b"1")
            return Response(OK)
        case "history":
            entries = await stub.get_history_for_key(args[0])
            changes = [[one.value.decode(), one.is_delete, one.tx_id] for one in entries]
            return Response(OK, json.dumps(changes).encode())
        case "put_private":
            key = args[0]
            await stub.put_private_data("fingerprints", key, stub.transient["value"])
            return Response(OK)
        case "get_private":
            return Response(OK, await stub.get_private_data("fingerprints", args[0]) or b"")
        case "private_hash":
            return Response(OK, await stub.get_private_data_hash("fingerprints", args[0]) or b"")
        case "purge_private":
            await stub.purge_private_data("fingerprints", args[0])
            return Response(OK)
        case "fill":
            for index in range(int(args[1])):
                await stub.put_state(f"{args[0]}{index:04d}", b"x")
            return Response(OK)
        case "whoami":
            said = [stub.creator_mspid, stub.timestamp_ms, stub.chaincode, stub.channel_id, list(stub.transient)]
            return Response(OK, json.dumps(said).encode())
        case _:
            return Response(ERROR, message=json.dumps({"code": "unknown_function", "detail": stub.function}))


if __name__ == "__main__":
    sys.exit(main(handler=handle))

"""Ending a gRPC call with an error as Fabric's gateway does: status, message, and what each endpoint said."""

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import grpc

from countermark.network.envelopes import TRAILER, ErrorDetail, RpcStatus

# gRPC refuses headers and trailers above 8 KiB, and then the client sees neither status nor reason.
_LONGEST: Final = 1000


class CallError(Exception):
    """The call ends with the gRPC status `code`; `details` say which endpoint failed and why."""

    def __init__(self, code: grpc.StatusCode, message: str, details: Sequence[ErrorDetail] = ()) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.details = tuple(details)


async def abort(context: Any, error: CallError) -> NoReturn:
    """End the call of `context` (grpc.aio.ServicerContext) with `error`, by raising."""
    details = tuple(ErrorDetail(one.address, one.msp_id, _clip(one.message)) for one in error.details)
    status = RpcStatus(error.code.value[0], _clip(error.message), details)
    await context.abort(error.code, status.message, ((TRAILER, status.serialized),))
    raise AssertionError("abort raises")


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"

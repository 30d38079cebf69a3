"""Protobuf at the border: bytes in, one domain error if they do not parse; deterministic bytes out."""

from typing import Any

from google.protobuf.message import DecodeError, Message

from countermark.network.errors import EnvelopeError


def decode(kind: type[Message], data: bytes, what: str) -> Any:
    """Return `data` parsed as a message of the generated class `kind`; `what` names it in the error.

    Raises:
        EnvelopeError: The bytes are not such a message.
    """
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise EnvelopeError("malformed_message", f"not a {what}") from error
    return message


def encode(message: Message) -> bytes:
    """Return the bytes of `message`, maps in sorted order, so that the same value always has the same bytes."""
    return bytes(message.SerializeToString(deterministic=True))

"""An update and a signature of it as files that organisations hand to one another.

Both are JSON objects that a person can look at. Bytes are base64; the update's are exactly those that are signed, so
they go as they are. What the update does is not in its file: whoever is asked to sign finds it out for himself, from
the bytes and from the configuration that his own peer has (`description.describe`).
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence

from fabric_protos.common import configtx_pb2

from countermark.network import documents
from countermark.network.configuration.signatures import UpdateSignature
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.envelopes.wire import decode
from countermark.network.errors import ConfigurationError, NetworkError
from countermark.protocol import fields

_UPDATE, _SIGNATURE = "countermark-config-update/1", "countermark-config-signature/1"
LARGEST = 4 * 1024 * 1024
"""Bytes of the longest file that is read; a whole configuration of dozens of organisations is a tenth of that."""


def dump_update(update: ConfigUpdate) -> str:
    """Return the file of `update`."""
    members = {
        "format": _UPDATE,
        "channel": update.channel,
        "digest": update.digest,
        "update": _text(update.serialized),
    }
    return json.dumps(members, indent=2) + "\n"


def load_update(data: bytes) -> ConfigUpdate:
    """Return the update in a file that `dump_update` made.

    Raises:
        ConfigurationError: ``malformed_file``; it is none, or channel or digest are not those of its bytes.
    """
    document = _document(data, _UPDATE, ("channel", "digest", "update"))
    update = ConfigUpdate(document["channel"], _bytes(document, "update"))
    try:
        channel = decode(configtx_pb2.ConfigUpdate, update.serialized, "configuration update").channel_id
    except NetworkError as error:
        raise _malformed(error.detail) from error
    if (channel, update.digest) != (document["channel"], document["digest"]):
        raise _malformed("channel or digest are not those of the update in it")
    return update


def dump_signature(signature: UpdateSignature) -> str:
    """Return the file of `signature`.

    Raises:
        NetworkError: Its header names nobody.
    """
    members = {
        "format": _SIGNATURE,
        "digest": signature.digest,
        "msp_id": signature.identity.msp_id,
        "header": _text(signature.header),
        "signature": _text(signature.signature),
    }
    return json.dumps(members, indent=2) + "\n"


def load_signature(data: bytes) -> UpdateSignature:
    """Return the signature in a file that `dump_signature` made; whether it holds, `merge_signatures` tells.

    Raises:
        ConfigurationError: ``malformed_file``; it is none, or is not by whom it says.
    """
    document = _document(data, _SIGNATURE, ("digest", "msp_id", "header", "signature"))
    signature = UpdateSignature(document["digest"], _bytes(document, "header"), _bytes(document, "signature"))
    try:
        msp_id = signature.identity.msp_id
    except NetworkError as error:
        raise _malformed(error.detail) from error
    if msp_id != document["msp_id"]:
        raise _malformed(f"it says that {document['msp_id']} signed, and it was {msp_id}")
    return signature


def _document(data: bytes, kind: str, members: Sequence[str]) -> dict[str, str]:
    text = fields.text(LARGEST)
    try:
        return documents.parse(data, {"format": fields.choice(kind), **dict.fromkeys(members, text)}, longest=LARGEST)
    except documents.DocumentError as error:
        raise _malformed(error.detail) from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(document: Mapping[str, str], name: str) -> bytes:
    try:
        return base64.b64decode(document[name], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(f"{name} is not base64") from error


def _malformed(detail: str) -> ConfigurationError:
    return ConfigurationError("malformed_file", detail)

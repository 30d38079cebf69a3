"""A value of a configuration: how it stands in its group."""

from typing import Any

from fabric_protos.common import configtx_pb2
from google.protobuf.message import Message

from countermark.network.envelopes.wire import encode

ADMINS = "Admins"
"""The policy that changes of every element want: that of the group in which it stands."""


def set_value(group: Any, name: str, message: Message) -> None:
    """Have `group` (common.ConfigGroup) say `message` under `name`; its version and who may change it stay."""
    before = group.values[name] if name in group.values else configtx_pb2.ConfigValue(mod_policy=ADMINS)
    value = configtx_pb2.ConfigValue(version=before.version, value=encode(message), mod_policy=before.mod_policy)
    group.values[name].CopyFrom(value)

"""The update that leads from one configuration of a channel to another, as Fabric's configtxlator computes it.

Of what stays the same, the update names nothing but the versions of the groups on the way to what changes, so that
two organisations may change different parts at the same time. A group whose members change is the exception: it lists
all of them.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fabric_protos.common import configtx_pb2

from countermark.network.blocks.configs import ChannelConfig
from countermark.network.envelopes.wire import encode
from countermark.network.errors import ConfigurationError

_FAMILIES = ("policies", "values", "groups")


@dataclass(frozen=True, slots=True)
class ConfigUpdate:
    """A change of the configuration of `channel`; `serialized` (common.ConfigUpdate) is what administrators sign."""

    channel: str
    serialized: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, as text: by it signatures name their update."""
        return f"sha256:{hashlib.sha256(self.serialized).hexdigest()}"


class _Difference(NamedTuple):
    read: Any
    write: Any
    found: bool


def compute_update(before: ChannelConfig, after: ChannelConfig) -> ConfigUpdate:
    """Return the update that makes `after` of `before`.

    Raises:
        ConfigurationError: ``no_difference``; or they are of two channels.
    """
    if before.channel != after.channel:
        raise ConfigurationError("other_channel", f"{after.channel} is not {before.channel}")
    difference = _compare(before.group, after.group)
    if not difference.found:
        raise ConfigurationError("no_difference", f"channel {before.channel} is configured like this already")
    update = configtx_pb2.ConfigUpdate(
        channel_id=before.channel, read_set=difference.read, write_set=difference.write
    )
    return ConfigUpdate(before.channel, encode(update))


def _compare(old: Any, new: Any) -> _Difference:
    read = configtx_pb2.ConfigGroup(version=old.version)
    write = configtx_pb2.ConfigGroup(version=old.version)
    found = False
    same: list[tuple[str, str, Any]] = []
    for family in _FAMILIES:
        mine, theirs = getattr(old, family), getattr(new, family)
        for name in sorted(mine.keys() & theirs.keys()):
            one = _compare(mine[name], theirs[name]) if family == "groups" else _leaf(mine[name], theirs[name])
            if not one.found:
                same.append((family, name, one.read))
                continue
            found = True
            getattr(write, family)[name].CopyFrom(one.write)
            if one.read is not None:
                getattr(read, family)[name].CopyFrom(one.read)
        for name in sorted(theirs.keys() - mine.keys()):
            getattr(write, family)[name].CopyFrom(_new(theirs[name]))
    if _members(old) == _members(new) and old.mod_policy == new.mod_policy:
        return _Difference(read, write, found)
    for family, name, one in same:
        getattr(read, family)[name].CopyFrom(one)
        getattr(write, family)[name].CopyFrom(one)
    write.version, write.mod_policy = old.version + 1, new.mod_policy
    return _Difference(read, write, True)


def _leaf(old: Any, new: Any) -> _Difference:
    """Compare two values or policies; who counts on the old one has no need to name it, for its version tells."""
    content = type(old)()
    content.CopyFrom(new)
    content.version = old.version
    if content == old:
        return _Difference(type(content)(version=old.version), None, False)
    content.version = old.version + 1
    return _Difference(None, content, True)


def _new(element: Any) -> Any:
    """Return what an element that was not there begins as: everything in it at version 0."""
    fresh = type(element)()
    fresh.CopyFrom(element)
    fresh.version = 0
    if isinstance(fresh, configtx_pb2.ConfigGroup):
        for family in _FAMILIES:
            for name, one in getattr(element, family).items():
                getattr(fresh, family)[name].CopyFrom(_new(one))
    return fresh


def _members(group: Any) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(getattr(group, family)) for family in _FAMILIES)

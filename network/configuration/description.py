"""What an update does, in words, found out from the update itself and from the configuration that it is to change."""

from collections.abc import Iterator, Mapping

from countermark.network.blocks.configs import ChannelConfig, preview_update
from countermark.network.blocks.configs.elements import Element, Key, elements
from countermark.network.configuration.updates import ConfigUpdate
from countermark.network.configuration.wording import is_usual, policy_words, value_words

_Elements = Mapping[Key, Element]


def describe(config: ChannelConfig, update: ConfigUpdate) -> tuple[str, ...]:
    """Return what `update` would change of `config`, a line for each thing.

    Nothing that changes is left out: what has no words of its own is named by its place in the configuration.

    Raises:
        ConfigurationError: The update is none for `config` as it stands.
        EnvelopeError: What it changes does not parse, or is not supported here.
    """
    old, new = elements(config.group), elements(preview_update(config, update.serialized).group)
    keys = sorted(old.keys() | new.keys(), key=lambda key: (key[1], key[0]))
    return tuple(line for key in keys for line in _lines(key, old, new))


def _lines(key: Key, old: _Elements, new: _Elements) -> Iterator[str]:
    kind, path = key
    before, after, parent = old.get(key), new.get(key), ("group", path[:-1])
    place = "/".join(path[1:])
    if len(path) > 1 and (parent not in new or (after is None and parent not in new)):
        return  # it goes with its group
    if before is None or after is None:
        yield from _come_or_gone(kind, place, before, after, fresh=parent not in old)
        return
    if kind == "value" and before.message.value != after.message.value:
        yield from value_words(place, before.message.value, after.message.value)
    if kind == "policy" and before.message.policy != after.message.policy:
        yield f"{place}: the policy becomes {policy_words(after.message.policy)}"
    if before.message.mod_policy != after.message.mod_policy:
        yield f"{place}: may be changed by {after.mod_policy}, no longer by {before.mod_policy}"


def _come_or_gone(
    kind: str, place: str, before: Element | None, after: Element | None, *, fresh: bool
) -> Iterator[str]:
    if after is None:
        yield f"{place}: taken away"
    elif kind == "group":
        yield f"{place}: added"
    elif kind == "value":
        yield from value_words(place, b"", after.message.value)
    elif not (fresh and is_usual(after)):
        yield f"{place}: the policy is {policy_words(after.message.policy)}"

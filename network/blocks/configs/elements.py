"""The elements of a configuration: its groups, values and policies, each with a version and who may change it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from countermark.network.blocks.configs.policies import ROOT, absolute
from countermark.network.errors import ConfigurationError

Kind = Literal["group", "value", "policy"]
Key = tuple[Kind, tuple[str, ...]]
"""What an element is and where it stands, from the root on."""

_NAME = re.compile(r"[a-zA-Z0-9.-]{1,249}")


@dataclass(frozen=True, slots=True)
class Element:
    """One element; `message` is common.ConfigGroup, ConfigValue or ConfigPolicy."""

    kind: Kind
    path: tuple[str, ...]
    message: Any = field(repr=False)

    @property
    def version(self) -> int:
        """How often it has been changed."""
        return int(self.message.version)

    @property
    def mod_policy(self) -> str:
        """Path of the policy that a change of it must meet."""
        group = self.path if self.kind == "group" else self.path[:-1]
        return absolute(group, self.message.mod_policy)

    @property
    def name(self) -> str:
        """Where it stands, as text."""
        return "/" + "/".join(self.path)


def elements(root: Any) -> Mapping[Key, Element]:
    """Return every element of the tree `root` (common.ConfigGroup), itself among them.

    Raises:
        ConfigurationError: ``malformed_configuration``; a name in it is none.
    """
    found: dict[Key, Element] = {}
    _collect(root, (ROOT,), found)
    return found


def check_names(*names: str) -> None:
    """Check that `names` may stand in a path of the configuration.

    Raises:
        ConfigurationError: ``malformed_configuration``.
    """
    for name in names:
        if _NAME.fullmatch(name) is None or name in (".", ".."):
            raise ConfigurationError("malformed_configuration", f"{name!r} is no name of an element")


def _collect(group: Any, path: tuple[str, ...], found: dict[Key, Element]) -> None:
    check_names(path[-1])
    found["group", path] = Element("group", path, group)
    for name, value in group.values.items():
        check_names(name)
        found["value", (*path, name)] = Element("value", (*path, name), value)
    for name, policy in group.policies.items():
        check_names(name)
        found["policy", (*path, name)] = Element("policy", (*path, name), policy)
    for name, one in group.groups.items():
        _collect(one, (*path, name), found)

"""YAML read as a tree whose every part knows its line, so that a refusal can say where.

Only what a description needs: mappings, sequences and scalars. Aliases are refused, for they can make a small file
large, and deep nesting, which nobody who walks the tree is made for; so are names that stand twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import yaml

from countermark.network.topology.errors import TopologyError

T = TypeVar("T")

LARGEST: Final = 1 << 20
"""Bytes of a file."""

_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar, sequence or mapping of the file, with its line."""

    node: yaml.Node
    name: str
    """What it is called in messages."""
    line: int
    """Its line, from 1; that of its name if it has one."""

    @property
    def is_mapping(self) -> bool:
        """Whether it is one."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_block(self) -> bool:
        """Whether its members stand one below the other, not in brackets."""
        return isinstance(self.node, yaml.CollectionNode) and not self.node.flow_style

    def refuse(self, code: str, detail: str) -> TopologyError:
        """Return the error that says what is wrong with this value."""
        return TopologyError(code, f"{self.name}: {detail}", line=self.line)

    def text(self) -> str:
        """Return the scalar as it is written.

        Raises:
            TopologyError: It is none, or empty.
        """
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value:
            raise self.refuse("malformed_value", "a text is expected")
        return str(self.node.value)

    def integer(self, low: int, high: int) -> int:
        """Return the scalar as an integer from `low` to `high`.

        Raises:
            TopologyError: It is none.
        """
        text = self.text()
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and low <= int(text) <= high):
            raise self.refuse("malformed_value", f"an integer from {low} to {high} is expected")
        return int(text)

    def items(self) -> Iterator["Value"]:
        """Yield the members of the sequence.

        Raises:
            TopologyError: It is none.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.refuse("malformed_value", "a list is expected")
        for number, node in enumerate(self.node.value):
            yield Value(node, f"{self.name}[{number}]", _line(node))

    def mapping(self) -> "Mapping":
        """Return the mapping, to be taken apart.

        Raises:
            TopologyError: It is none, or a name stands twice in it.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.refuse("malformed_value", "names with values are expected")
        members: dict[str, Value] = {}
        for key, value in self.node.value:
            name = Value(key, self.name, _line(key)).text()
            if name in members:
                raise TopologyError("duplicate_key", f"{name} stands twice", line=_line(key))
            members[name] = Value(value, name, _line(key))
        return Mapping(self, members)


@dataclass(slots=True)
class Mapping:
    """The members of a mapping; whoever has taken all that he knows calls `finish`."""

    value: Value
    members: dict[str, Value]
    known: list[str] = field(default_factory=list)

    def take(self, name: str, parse: Callable[[Value], T]) -> T:
        """Return the member `name`, parsed.

        Raises:
            TopologyError: It is missing or malformed.
        """
        self.known.append(name)
        if name not in self.members:
            raise self.value.refuse("missing_key", f"{name} is missing")
        return parse(self.members[name])

    def optional(self, name: str, parse: Callable[[Value], T], default: T) -> T:
        """Return the member `name`, parsed, or `default` if it is not there.

        Raises:
            TopologyError: It is malformed.
        """
        if name in self.members:
            return self.take(name, parse)
        self.known.append(name)
        return default

    def finish(self) -> None:
        """Return if nothing is left that nobody has asked for.

        Raises:
            TopologyError: A key is unknown.
        """
        for name, value in self.members.items():
            if name not in self.known:
                known = ", ".join(self.known)
                raise TopologyError("unknown_key", f"unknown key {name}; known here: {known}", line=value.line)


def parse(text: bytes) -> Value:
    """Return the document in `text`.

    Raises:
        TopologyError: It is not YAML, empty, too large, too deep, or uses aliases.
    """
    if len(text) > LARGEST:
        raise TopologyError("too_large", f"longer than {LARGEST} bytes")
    try:
        _check_form(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise TopologyError("not_yaml", str(error.problem or "not YAML"), line=line) from error
    except (yaml.YAMLError, RecursionError, UnicodeError) as error:
        raise TopologyError("not_yaml", "not YAML") from error
    if node is None:
        raise TopologyError("empty", "the file is empty")
    return Value(node, "the file", _line(node))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _check_form(text: bytes) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise TopologyError("alias", "aliases are not allowed", line=line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise TopologyError("too_deep", f"more than {_DEEPEST} levels", line=line)

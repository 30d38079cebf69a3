"""Adding to a network.yaml what its operator would, and leaving all else, comments too, as he wrote it."""

from countermark.network.topology.yaml_tree import Value, parse


def with_definition(text: bytes, file: str) -> bytes:
    """Return the description `text` with an organisation more, whose definition is in `file`; unchanged if it has it.

    Raises:
        TopologyError: The text is malformed, or its organisations do not stand one below the other.
    """
    organisations = parse(text).mapping().take("organisations", lambda value: value)
    items = list(organisations.items())
    if any(one.is_mapping and _definition(one) == file for one in items):
        return text
    last = items[-1].node.end_mark
    if not organisations.is_block or last is None:
        raise organisations.refuse("not_amended", f"add `- definition: {file}` yourself: the list is on one line")
    # The end of an item is where the next thing begins: blank lines and comments between belong to that.
    before, after = text.decode()[: last.index], text.decode()[last.index :]
    kept = before.rstrip()
    column = organisations.node.start_mark.column if organisations.node.start_mark else 0
    added = f"{kept}\n{' ' * column}- definition: {file}\n{before[len(kept) :].lstrip(chr(10))}{after}"
    return added.encode()


def _definition(value: Value) -> str:
    members = value.mapping().members
    return members["definition"].text() if "definition" in members else ""

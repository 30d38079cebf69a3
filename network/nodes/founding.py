"""The channel's first block, as another organisation made it: it is taken if it is what the description here says.

Whoever founds a channel writes all of its configuration. One root certificate exchanged, one policy that wants fewer
signatures, and the others would follow a channel that is his: so nothing is taken on trust.
"""

from collections.abc import Mapping
from dataclasses import replace

from countermark.network.blocks import Block, ChannelConfig, parse_block, read_config
from countermark.network.blocks.configs.elements import Key, elements
from countermark.network.errors import NetworkError
from countermark.network.genesis import genesis_block
from countermark.network.nodes.folder import NetworkFolder
from countermark.network.nodes.material import channel_definition, definitions
from countermark.network.nodes.writing import write_changed
from countermark.network.topology import Topology, TopologyError


def take_genesis(folder: NetworkFolder, topology: Topology, block: bytes) -> None:
    """Take over the genesis block that another organisation made.

    Raises:
        TopologyError: It is no block number 0 of this channel, says something else than the description does, or the
            folder has another.
        IdentityError: Key material of an organisation here, which the block must have, is missing.
    """
    parsed, config = _read(block)
    if parsed.number != 0 or config.channel != topology.channel:
        raise TopologyError("malformed_genesis", f"it is not block 0 of the channel {topology.channel}")
    if folder.genesis.exists() and folder.genesis.read_bytes() != block:
        raise TopologyError("other_genesis", f"{folder.genesis} is another block; a network has one")
    _check_contents(folder, topology, config)
    write_changed(folder.genesis, block)


def check_channel(folder: NetworkFolder, topology: Topology) -> None:
    """Return if the genesis block of `folder`, where it has one, begins the channel of `topology`.

    Raises:
        TopologyError: It begins another, or is none.
    """
    if folder.genesis.exists():
        _, config = _read(folder.genesis.read_bytes())
        if config.channel != topology.channel:
            detail = f"{folder.genesis} begins the channel {config.channel}; a channel has one name"
            raise TopologyError("other_genesis", detail, line=topology.lines.get("channel:", 0))


def _read(block: bytes) -> tuple[Block, ChannelConfig]:
    try:
        parsed = parse_block(block)
        return parsed, read_config(parsed)
    except NetworkError as error:
        raise TopologyError("malformed_genesis", str(error)) from error


def _check_contents(folder: NetworkFolder, topology: Topology, config: ChannelConfig) -> None:
    """Compare all that the block says with what would have been made of the description here.

    Of organisations that are described and not in the block, it is no matter: they join later. Then the channel has
    changed since, so what the block says of anything but its members' authorities is no matter either.
    """
    known = set(config.members.msp_ids)
    strangers = sorted(known - {one.msp_id for one in topology.organisations})
    if strangers:
        raise TopologyError("other_genesis", f"it knows {', '.join(strangers)}, whom the description does not")
    members = replace(topology, organisations=tuple(one for one in topology.organisations if one.msp_id in known))
    expected = channel_definition(members, definitions(folder, members))
    _, ours = _read(genesis_block(expected, now_ms=0))
    later = members.organisations != topology.organisations
    differing = _differing(_said(ours, later=later), _said(config, later=later))
    if differing:
        raise TopologyError("other_genesis", f"it does not say what the description does: {', '.join(differing)}")


def _said(config: ChannelConfig, *, later: bool) -> Mapping[Key, object]:
    """Return what `config` says, by place; of groups, which hold the rest, what they say themselves."""
    return {
        key: (one.version, one.mod_policy) if key[0] == "group" else one.message
        for key, one in elements(config.group).items()
        if not later or key[1][-1] == "MSP"
    }


def _differing(ours: Mapping[Key, object], theirs: Mapping[Key, object]) -> list[str]:
    # No value is None.
    places = [
        path for kind, path in ours.keys() | theirs.keys() if ours.get((kind, path)) != theirs.get((kind, path))
    ]
    return sorted("/".join(path) for path in places)

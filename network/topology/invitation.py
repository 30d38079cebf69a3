"""What a newcomer must know of a network to make his own folder, as a file that any member can write.

JSON; nothing in it is secret. By the genesis block the newcomer knows the channel: he compares its digest with what
the members tell him.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from countermark.network import documents
from countermark.network.blocks import parse_block, read_config
from countermark.network.errors import NetworkError
from countermark.network.topology import definitions
from countermark.network.topology.definitions import OrganisationDefinition
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import LONGEST_WINDOW_S, Topology
from countermark.network.topology.names import CHAINCODE, CHANNEL, NAME, VERSION, Form
from countermark.protocol import fields
from countermark.protocol.errors import ErrorCode, MarketError

_LARGEST = 8 << 20
_FORMS: Mapping[str, Form] = {"network": NAME, "channel": CHANNEL, "chaincode": CHAINCODE, "version": VERSION}
_MOST = 64
"""Organisations."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A network as a newcomer needs to know it."""

    network: str
    channel: str
    chaincode: str
    version: str
    time_window_s: int
    genesis: bytes = field(repr=False)
    organisations: tuple[OrganisationDefinition, ...]

    def dumps(self) -> bytes:
        """Return it as the file's bytes, as `parse` reads them."""
        document = {
            **{name: getattr(self, name) for name in _FORMS},
            "time_window_s": self.time_window_s,
            "genesis": self.genesis.hex(),
            "organisations": [json.loads(one.dumps()) for one in self.organisations],
        }
        return (json.dumps(document, indent=2) + "\n").encode()


def invitation(topology: Topology, organisations: list[OrganisationDefinition], genesis: bytes) -> Invitation:
    """Return the invitation to the network `topology` with these `organisations`, whose first block is `genesis`."""
    return Invitation(
        topology.name,
        topology.channel,
        topology.chaincode,
        topology.version,
        topology.time_window_s,
        genesis,
        tuple(organisations),
    )


def load(path: Path) -> Invitation:
    """Return the invitation in the file `path`.

    Raises:
        TopologyError: It cannot be read or is malformed.
    """
    try:
        data = documents.read(path, longest=_LARGEST)
    except documents.DocumentError as error:
        raise TopologyError("no_invitation", error.detail) from error
    return parse(data)


def parse(data: bytes) -> Invitation:
    """Return the invitation in `data`.

    Raises:
        TopologyError: It is malformed, or its genesis block is not one of its channel.
    """
    try:
        members = documents.parse(data, _MEMBERS, longest=_LARGEST)
    except documents.DocumentError as error:
        raise _malformed(error.detail) from error
    organisations = members.pop("organisations")
    if len({one["name"] for one in organisations}) != len(organisations):
        raise _malformed("organisations: a name stands twice")
    _check_genesis(members["genesis"], members["channel"])
    # Where the newcomer will keep them.
    plans = [definitions.of_members(one, Path("definitions") / f"{one['name']}.json") for one in organisations]
    return Invitation(**members, organisations=tuple(plans))


def _block(value: object) -> bytes:
    text = fields.text(_LARGEST)(value)
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise MarketError(ErrorCode.MALFORMED_REQUEST, "bytes in hex are expected") from error


def _check_genesis(block: bytes, channel: str) -> None:
    try:
        parsed = parse_block(block)
        found = read_config(parsed).channel
    except NetworkError as error:
        raise _malformed("genesis: not a configuration block") from error
    if parsed.number != 0 or found != channel:
        raise _malformed(f"genesis: not block 0 of the channel {channel}")


_MEMBERS: Mapping[str, fields.Parser] = {
    **{name: form.parse for name, form in _FORMS.items()},
    "time_window_s": fields.integer(1, LONGEST_WINDOW_S),
    "genesis": _block,
    "organisations": fields.sequence(fields.nested(definitions.MEMBERS), longest=_MOST),
}


def _malformed(detail: str) -> TopologyError:
    return TopologyError("malformed_invitation", detail)

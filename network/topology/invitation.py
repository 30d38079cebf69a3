"""What a newcomer must know of a network to make his own folder, as a file that any member can write.

JSON; nothing in it is secret. By the genesis block the newcomer knows the channel: he compares its digest with what
the members tell him.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countermark.network.blocks import parse_block, read_config
from countermark.network.errors import NetworkError
from countermark.network.topology import definitions
from countermark.network.topology.definitions import OrganisationDefinition
from countermark.network.topology.errors import TopologyError
from countermark.network.topology.model import Topology
from countermark.network.topology.names import CHAINCODE, CHANNEL, NAME, VERSION, Form

_LARGEST = 8 << 20
_FORMS: Mapping[str, Form] = {"network": NAME, "channel": CHANNEL, "chaincode": CHAINCODE, "version": VERSION}
_MEMBERS = {*_FORMS, "time_window_s", "genesis", "organisations"}


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
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise TopologyError("no_invitation", f"{path}: {error.strerror}") from error
    return parse(data)


def parse(data: bytes) -> Invitation:
    """Return the invitation in `data`.

    Raises:
        TopologyError: It is malformed, or its genesis block is not one of its channel.
    """
    if len(data) > _LARGEST:
        raise _malformed("too long")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _malformed("not JSON") from error
    if not isinstance(document, dict) or set(document) != _MEMBERS:
        raise _malformed(f"an object with {', '.join(sorted(_MEMBERS))} is expected")
    for name, form in _FORMS.items():
        if not isinstance(document[name], str) or not form.fits(document[name]):
            raise _malformed(f"{name}: {form.what} is expected")
    window = document["time_window_s"]
    if isinstance(window, bool) or not isinstance(window, int) or not 1 <= window <= 3600:
        raise _malformed("time_window_s: an integer from 1 to 3600 is expected")
    return Invitation(
        **{name: document[name] for name in _FORMS},
        time_window_s=window,
        genesis=_genesis(document["genesis"], document["channel"]),
        organisations=_organisations(document["organisations"]),
    )


def _genesis(value: object, channel: str) -> bytes:
    try:
        block = bytes.fromhex(value) if isinstance(value, str) else b""
        parsed = parse_block(block)
        found = read_config(parsed).channel
    except (ValueError, NetworkError) as error:
        raise _malformed("genesis: not a configuration block") from error
    if parsed.number != 0 or found != channel:
        raise _malformed(f"genesis: not block 0 of the channel {channel}")
    return block


def _organisations(value: Any) -> tuple[OrganisationDefinition, ...]:
    if not isinstance(value, list):
        raise _malformed("organisations: a list is expected")
    found = []
    for one in value:
        parsed = definitions.parse(json.dumps(one).encode(), Path())
        found.append(definitions.parse(parsed.dumps(), Path("definitions") / f"{parsed.plan.name}.json"))
    if len({one.plan.name for one in found}) != len(found):
        raise _malformed("organisations: a name stands twice")
    return tuple(found)


def _malformed(detail: str) -> TopologyError:
    return TopologyError("malformed_invitation", detail)

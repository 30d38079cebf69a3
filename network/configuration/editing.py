"""How a configuration is changed: a copy of its tree is edited and read anew."""

from collections.abc import Callable
from typing import Any

from fabric_protos.common import configtx_pb2
from fabric_protos.msp import msp_config_pb2

from countermark.network.blocks.configs import ChannelConfig, parse_config
from countermark.network.envelopes.wire import decode
from countermark.network.errors import ConfigurationError

APPLICATION, ORDERER = "Application", "Orderer"
"""The groups of organisations that run peers, and of those that run orderers."""


def changed(config: ChannelConfig, edit: Callable[[Any], object]) -> ChannelConfig:
    """Return what `config` becomes when `edit` has changed a copy of its tree (common.ConfigGroup)."""
    root = configtx_pb2.ConfigGroup()
    root.CopyFrom(config.group)
    edit(root)
    return parse_config(config.channel, config.sequence, root)


def has_organisation(root: Any, place: str, msp_id: str) -> bool:
    """Return whether there is an organisation `msp_id` in the group `place` of the tree `root`."""
    return _name(root, place, msp_id) is not None


def find_organisation(root: Any, place: str, msp_id: str) -> Any:
    """Return the organisation `msp_id` in the group `place` of the tree `root`.

    Raises:
        ConfigurationError: ``unknown_organisation``.
    """
    return root.groups[place].groups[organisation_name(root, place, msp_id)]


def organisation_name(root: Any, place: str, msp_id: str) -> str:
    """Return under which name the organisation `msp_id` stands in the group `place`: channels of others may differ.

    Raises:
        ConfigurationError: ``unknown_organisation``.
    """
    name = _name(root, place, msp_id)
    if name is None:
        raise ConfigurationError("unknown_organisation", f"{msp_id} is not in {place}")
    return name


def _name(root: Any, place: str, msp_id: str) -> str | None:
    groups = root.groups[place].groups if place in root.groups else {}
    for name, group in groups.items():
        outer = decode(msp_config_pb2.MSPConfig, group.values["MSP"].value, "MSP configuration")
        if decode(msp_config_pb2.FabricMSPConfig, outer.config, "Fabric MSP configuration").name == msp_id:
            return str(name)
    return None

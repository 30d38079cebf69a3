"""The configuration of a channel as its blocks hold it, and which changes of it count.

`reading` takes it out of a block, `policies` finds out whose signatures a part of it wants, `updates` applies a
change as Fabric's orderers and peers do, `verification` judges a block that claims such a change.
"""

from countermark.network.blocks.configs.reading import ChannelConfig, parse_config, read_config
from countermark.network.blocks.configs.updates import (
    SignedUpdate,
    apply_update,
    changed_policies,
    preview_update,
    verify_signers,
)
from countermark.network.blocks.configs.verification import last_update, verify_config, verify_last_config

__all__ = [
    "ChannelConfig",
    "SignedUpdate",
    "apply_update",
    "changed_policies",
    "last_update",
    "parse_config",
    "preview_update",
    "read_config",
    "verify_config",
    "verify_last_config",
    "verify_signers",
]

"""Changes of a channel's configuration: read, edit, describe, sign, submit.

    before = fetch_config(PeerBlocks(client))           # what the channel has
    after = with_organisation(before, organisation)     # what it is to have
    update = compute_update(before, after)              # travels as a file (dump_update)
    signature = sign_update(update, administrator)      # each organisation's; a file too
    signed, signers = merge_signatures(before, update, signatures, at_ms=now)
    check_complete(before, update, signers)             # says who has yet to sign
    block = submit_update(orderers, update, signed, submitter)

Pure code is here; what speaks to nodes is in `fetching` and `submission`, to be imported from there.
"""

from countermark.network.blocks.configs import ChannelConfig, SignedUpdate, read_config
from countermark.network.configuration.approvals import Missing, check_complete, missing, needed
from countermark.network.configuration.batches import with_batch
from countermark.network.configuration.consenters import (
    consenters,
    with_consenter,
    with_consenter_certificates,
    without_consenter,
)
from countermark.network.configuration.description import describe
from countermark.network.configuration.files import dump_signature, dump_update, load_signature, load_update
from countermark.network.configuration.organisations import (
    with_anchor_peers,
    with_msp,
    with_orderer_endpoints,
    with_orderer_organisation,
    with_organisation,
    without_orderer_organisation,
    without_organisation,
)
from countermark.network.configuration.signatures import (
    UpdateSignature,
    merge_signatures,
    sign_update,
    verify_signature,
)
from countermark.network.configuration.updates import ConfigUpdate, compute_update

__all__ = [
    "ChannelConfig",
    "ConfigUpdate",
    "Missing",
    "SignedUpdate",
    "UpdateSignature",
    "check_complete",
    "compute_update",
    "consenters",
    "describe",
    "dump_signature",
    "dump_update",
    "load_signature",
    "load_update",
    "merge_signatures",
    "missing",
    "needed",
    "read_config",
    "sign_update",
    "verify_signature",
    "with_anchor_peers",
    "with_batch",
    "with_consenter",
    "with_consenter_certificates",
    "with_msp",
    "with_orderer_endpoints",
    "with_orderer_organisation",
    "with_organisation",
    "without_consenter",
    "without_orderer_organisation",
    "without_organisation",
]

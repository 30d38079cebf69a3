"""Blocks of a Fabric ledger as values: parsing, building, and verification without a network."""

from countermark.network.blocks.building import build_block, with_validation_codes
from countermark.network.blocks.codes import NOT_VALIDATED, VALID, Code, code_name
from countermark.network.blocks.commits import commit_hash, verify_commit_hash
from countermark.network.blocks.configs import ChannelConfig, read_config, verify_config, verify_last_config
from countermark.network.blocks.definitions import LIFECYCLE, ChaincodeDefinition, read_definition
from countermark.network.blocks.hashes import data_hash, header_bytes, header_hash
from countermark.network.blocks.parsing import parse_block
from countermark.network.blocks.policies import (
    NOBODY,
    AnyPolicy,
    MetaPolicy,
    OutOf,
    Policy,
    SignedBy,
    SignedByIdentity,
    all_of,
    any_of,
    parse_policy,
    satisfied,
)
from countermark.network.blocks.rangereads import ReadsSummary
from countermark.network.blocks.rwsets import (
    PrivateHashes,
    PrivateRead,
    PrivateWrite,
    RangeQuery,
    Read,
    ReadWriteSet,
    Write,
)
from countermark.network.blocks.values import Block, OrdererSignature, Transaction
from countermark.network.blocks.verification import (
    check_well_formed,
    endorsing_members,
    verify_creator,
    verify_data_hash,
    verify_endorsements,
    verify_link,
    verify_orderers,
)
from countermark.network.envelopes import ChaincodeEvent, Endorsement

__all__ = [
    "LIFECYCLE",
    "NOBODY",
    "NOT_VALIDATED",
    "VALID",
    "AnyPolicy",
    "Block",
    "ChaincodeDefinition",
    "ChaincodeEvent",
    "ChannelConfig",
    "Code",
    "Endorsement",
    "MetaPolicy",
    "OrdererSignature",
    "OutOf",
    "Policy",
    "PrivateHashes",
    "PrivateRead",
    "PrivateWrite",
    "RangeQuery",
    "Read",
    "ReadWriteSet",
    "ReadsSummary",
    "SignedBy",
    "SignedByIdentity",
    "Transaction",
    "Write",
    "all_of",
    "any_of",
    "build_block",
    "check_well_formed",
    "code_name",
    "commit_hash",
    "data_hash",
    "endorsing_members",
    "header_bytes",
    "header_hash",
    "parse_block",
    "parse_policy",
    "read_config",
    "read_definition",
    "satisfied",
    "verify_commit_hash",
    "verify_config",
    "verify_creator",
    "verify_data_hash",
    "verify_endorsements",
    "verify_last_config",
    "verify_link",
    "verify_orderers",
    "with_validation_codes",
]

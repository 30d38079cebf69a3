"""Chains whose channel changes in the middle: its configuration, and what was agreed about its chaincode."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fabric_protos.peer import collection_pb2, policy_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2

from countermark.network.blocks import (
    LIFECYCLE,
    ChannelConfig,
    Policy,
    ReadWriteSet,
    SignedBy,
    Write,
    all_of,
    any_of,
    read_config,
    verify_config,
)
from countermark.network.blocks.policies import policy_message
from countermark.network.configuration import compute_update
from countermark.network.embedded.rwset_encoding import encode_public
from countermark.network.envelopes import (
    Outcome,
    Response,
    assemble,
    build_proposal,
    build_response_payload,
    endorse,
    sign_payload,
)
from countermark.network.envelopes.wire import encode
from countermark.network.identities import SigningIdentity
from tests.support.reconfiguration import config_transaction
from tests.unit.audit.chains import Act, Chain
from tests.unit.network.consortium import CHAINCODE, CHANNEL, now_ms

Edit = Callable[[ChannelConfig], ChannelConfig]

KEEPERS: Policy = all_of(SignedBy("PlatformMSP"), SignedBy("SupervisorMSP"))


def market_rule(*others: str) -> Policy:
    """Supervisor and one of `others`."""
    return all_of(SignedBy("SupervisorMSP"), any_of(*map(SignedBy, others)))


def config_of(chain: Chain) -> ChannelConfig:
    """The configuration after the last block of `chain`."""
    config = read_config(chain.blocks[0])
    for block in chain.blocks[1:]:
        if block.transactions[0].kind == "config":
            config = verify_config(block, config)
    return config


def configuration(
    chain: Chain,
    edit: Edit,
    signers: Sequence[str] = ("platform", "supervisor"),
    *,
    administrators: Iterable[SigningIdentity] = (),
    orderer: SigningIdentity | None = None,
    claimed: Callable[[ChannelConfig], ChannelConfig] | None = None,
) -> bytes:
    """The transaction that changes the configuration of `chain`; `claimed` is what it says of the outcome."""
    before = config_of(chain)
    return config_transaction(
        before,
        compute_update(before, edit(before)),
        [*(chain.network.admin(name) for name in signers), *administrators],
        orderer=orderer or chain.network.orderer,
        claimed=claimed and claimed(before),
    )


def reconfigure(chain: Chain, edit: Edit, *signers: str, **more: Any) -> Chain:
    """Add the block in which the configuration changes."""
    raw = configuration(chain, edit, signers or ("platform", "supervisor"), **more)
    return chain.append([raw], last_config=len(chain.blocks))


def commitment(
    chain: Chain,
    policy: Policy,
    *,
    collection: Policy = KEEPERS,
    sequence: int = 1,
    endorsers: Sequence[str] = ("platform", "supervisor"),
    plugin: str = "vscc",
) -> bytes:
    """The transaction by which a definition of the market's chaincode is committed."""
    fields: Mapping[str, bytes] = {
        "Sequence": db_pb2.StateData(Int64=sequence).SerializeToString(),
        "EndorsementInfo": _bytes(
            chaincode_definition_pb2.ChaincodeEndorsementInfo(version="1.0", endorsement_plugin="escc")
        ),
        "ValidationInfo": _bytes(
            chaincode_definition_pb2.ChaincodeValidationInfo(
                validation_plugin=plugin, validation_parameter=encode(_application(policy))
            )
        ),
        "Collections": _bytes(
            collection_pb2.CollectionConfigPackage(
                config=[
                    collection_pb2.CollectionConfig(
                        static_collection_config=collection_pb2.StaticCollectionConfig(
                            name="fingerprints", endorsement_policy=_application(collection)
                        )
                    )
                ]
            )
        ),
    }
    writes = tuple(
        Write(LIFECYCLE, f"namespaces/fields/{CHAINCODE}/{name}", value, False) for name, value in fields.items()
    )
    return agreed(chain, "CommitChaincodeDefinition", writes, endorsers)


def agreed(chain: Chain, function: str, writes: tuple[Write, ...], endorsers: Sequence[str]) -> bytes:
    """A transaction of Fabric's lifecycle with these writes."""
    client = chain.network.admin("platform")
    proposal = build_proposal(client, CHANNEL, LIFECYCLE, [function.encode()], now_ms=now_ms())
    results = encode_public(LIFECYCLE, ReadWriteSet(writes=writes))
    payload = build_response_payload(proposal, Outcome(Response(200), results, LIFECYCLE, "syscc")).serialized
    endorsements = [endorse(chain.network.peer(name), payload) for name in endorsers]
    return sign_payload(client, assemble(proposal, payload, endorsements)).serialized


def endorsed_by(chain: Chain, act: Act, endorsers: Iterable[SigningIdentity], client: SigningIdentity) -> bytes:
    """`act`, endorsed by peers of whatever organisation and submitted by `client`."""
    now = now_ms()
    proposal = build_proposal(client, act.channel, act.chaincode, [act.function.encode(), *act.args], now_ms=now)
    outcome = Outcome(Response(200, b"{}"), act.results(proposal.tx_id, now), act.chaincode, "1.0")
    payload = build_response_payload(proposal, outcome).serialized
    return sign_payload(client, assemble(proposal, payload, [endorse(one, payload) for one in endorsers])).serialized


def _bytes(message: Any) -> bytes:
    return bytes(db_pb2.StateData(Bytes=encode(message)).SerializeToString())


def _application(policy: Policy) -> Any:
    return policy_pb2.ApplicationPolicy(signature_policy=policy_message(policy))

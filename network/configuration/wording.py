"""Words for values and policies of a configuration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fabric_protos.common import configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
from fabric_protos.peer import configuration_pb2 as peer_pb2

from countermark.network.blocks.configs.elements import Element
from countermark.network.blocks.policies import Policy, SignedBy, SignedByIdentity, parse_policy
from countermark.network.envelopes.wire import decode
from countermark.network.errors import IdentityError
from countermark.network.genesis.policies import set_orderer_organisation_policies, set_peer_organisation_policies
from countermark.network.identities.certificates import load_certificate

_USUAL = {"Application": set_peer_organisation_policies, "Orderer": set_orderer_organisation_policies}


def value_words(place: str, before: bytes, after: bytes) -> Iterator[str]:
    """Yield what changes when the value at `place` becomes `after`; `before` is empty if there was none."""
    words = _WORDS.get(place.rpartition("/")[2])
    lines = list(words(before, after)) if words else []
    # A change that the words do not catch must not look like none.
    yield from (f"{place}: {line}" for line in lines or ["changed" if before else "set"])


def policy_words(policy: Any) -> str:
    """Return what `policy` (common.Policy) wants.

    Raises:
        EnvelopeError: It does not parse, or is of a kind that is unknown here.
    """
    if policy.type == policies_pb2.Policy.IMPLICIT_META:
        meta = decode(policies_pb2.ImplicitMetaPolicy, policy.value, "meta policy")
        return f"{policies_pb2.ImplicitMetaPolicy.Rule.Name(meta.rule)} of {meta.sub_policy} below"
    return _policy(parse_policy(policy.value))


def is_usual(policy: Element) -> bool:
    """Return whether `policy`, of a new organisation named like its MSP, is what organisations have here."""
    *_, place, organisation, name = policy.path
    if place not in _USUAL:
        return False
    group = configtx_pb2.ConfigGroup()
    _USUAL[place](group, organisation)
    return name in group.policies and bool(group.policies[name] == policy.message)


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of the certificate in `pem`, as text; of the bytes, if it is no certificate."""
    try:
        return f"sha256:{load_certificate(pem).fingerprint.hex()}"
    except IdentityError:
        return "no certificate at all"


def _policy(policy: Policy) -> str:
    if isinstance(policy, SignedBy):
        return f"{policy.msp_id}.{policy.role or 'member'}"
    if isinstance(policy, SignedByIdentity):
        return f"{policy.identity.msp_id} with certificate {fingerprint(policy.identity.certificate_pem)}"
    return f"{policy.n} of ({', '.join(map(_policy, policy.rules))})"


def _msp(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (_fabric_msp(data) for data in (before, after))
    if old.name != new.name:
        yield f"MSP id {new.name}"
    for name, what in (("root_certs", "root certificate"), ("tls_root_certs", "TLS root certificate")):
        yield from _set(what, map(fingerprint, getattr(old, name)), map(fingerprint, getattr(new, name)))


def _fabric_msp(data: bytes) -> Any:
    outer = decode(msp_config_pb2.MSPConfig, data, "MSP configuration")
    return decode(msp_config_pb2.FabricMSPConfig, outer.config, "Fabric MSP configuration")


def _anchor_peers(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (
        [f"{one.host}:{one.port}" for one in decode(peer_pb2.AnchorPeers, data, "anchor peers").anchor_peers]
        for data in (before, after)
    )
    yield from _set("anchor peer", old, new)


def _endpoints(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (
        decode(configuration_pb2.OrdererAddresses, data, "orderer addresses").addresses for data in (before, after)
    )
    yield from _set("orderer", old, new)


def _batch_size(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (decode(orderer_pb2.BatchSize, data, "batch size") for data in (before, after))
    names = {
        "max_message_count": "transactions at most",
        "absolute_max_bytes": "bytes at most",
        "preferred_max_bytes": "bytes preferably",
    }
    for name, what in names.items():
        was, is_now = getattr(old, name), getattr(new, name)
        if was != is_now:
            yield f"{is_now} {what} in a block, {was} before"


def _batch_timeout(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (decode(orderer_pb2.BatchTimeout, data, "batch timeout").timeout for data in (before, after))
    yield f"a block is cut {new} after its first transaction, {old or 'never'} before"


def _consensus(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (decode(orderer_pb2.ConsensusType, data, "consensus type") for data in (before, after))
    if (old.type, old.state) != (new.type, new.state):
        state = orderer_pb2.ConsensusType.State.Name(new.state)
        yield f"orderers agree by {new.type} ({state}), until now by {old.type or 'nothing'}"
    if new.type != "etcdraft" or old.type != "etcdraft":
        if old.metadata != new.metadata:
            yield "the settings by which orderers agree"
        return
    was, is_now = (decode(etcdraft_pb2.ConfigMetadata, one.metadata, "Raft metadata") for one in (old, new))
    yield from _set("consenter", map(_consenter, was.consenters), map(_consenter, is_now.consenters))
    if was.options != is_now.options:
        yield "the timing of the Raft cluster"


def _orderers(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (
        [
            f"number {one.id}, {_consenter(one)}, signing as {one.msp_id} {fingerprint(one.identity)}"
            for one in decode(configuration_pb2.Orderers, data, "consenters").consenter_mapping
        ]
        for data in (before, after)
    )
    yield from _set("consenter", old, new)


def _consenter(wire: Any) -> str:
    client, server = fingerprint(wire.client_tls_cert), fingerprint(wire.server_tls_cert)
    return f"{wire.host}:{wire.port} with TLS certificate {server}" + (f", {client} as client" * (client != server))


def _set(what: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    old, new = list(before), list(after)
    yield from (f"{what} {one} added" for one in new if one not in old)
    yield from (f"{what} {one} taken away" for one in old if one not in new)


_WORDS: Mapping[str, Callable[[bytes, bytes], Iterator[str]]] = {
    "MSP": _msp,
    "AnchorPeers": _anchor_peers,
    "Endpoints": _endpoints,
    "BatchSize": _batch_size,
    "BatchTimeout": _batch_timeout,
    "ConsensusType": _consensus,
    "Orderers": _orderers,
}

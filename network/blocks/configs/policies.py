"""Policies as the tree of a configuration states them: by signatures, or by what the groups below want.

A name is looked up from the group in which it stands ("Admins"), or from the root ("/Channel/Application/Admins").
"""

from typing import Any

from fabric_protos.common import policies_pb2

from countermark.network.blocks.policies import NOBODY, AnyPolicy, MetaPolicy, parse_policy
from countermark.network.envelopes.wire import decode
from countermark.network.errors import EnvelopeError

ROOT = "Channel"


def find_policy(root: Any, path: str) -> AnyPolicy | None:
    """Return the policy at the absolute `path` in the configuration `root` (common.ConfigGroup), None if none is.

    Raises:
        EnvelopeError: It does not parse, or is of an unknown kind.
    """
    start = f"/{ROOT}/"
    return policy_in(root, path.removeprefix(start)) if path.startswith(start) else None


def policy_in(group: Any, path: str) -> AnyPolicy | None:
    """Return the policy at `path` from `group` (common.ConfigGroup) on, None if none is.

    Raises:
        EnvelopeError: It does not parse, or is of an unknown kind.
    """
    *below, name = path.split("/")
    for one in below:
        if one not in group.groups:
            return None
        group = group.groups[one]
    if name not in group.policies:
        return None
    policy = group.policies[name].policy
    if policy.type == policies_pb2.Policy.SIGNATURE:
        return parse_policy(policy.value)
    if policy.type != policies_pb2.Policy.IMPLICIT_META:
        raise EnvelopeError("unsupported_policy", f"{name} is of type {policy.type}")
    meta = decode(policies_pb2.ImplicitMetaPolicy, policy.value, "meta policy")
    # The order is of no consequence, but the same configuration is to give the same policy.
    asked = tuple(policy_in(one, meta.sub_policy) or NOBODY for _, one in sorted(group.groups.items()))
    return MetaPolicy(_threshold(meta.rule, len(asked)), asked)


def absolute(path: tuple[str, ...], name: str) -> str:
    """Return where a modification policy called `name` stands, for an element of the group at `path`."""
    return name if name.startswith("/") else "/" + "/".join((*path, name))


def _threshold(rule: int, count: int) -> int:
    rules = policies_pb2.ImplicitMetaPolicy
    match rule:
        case rules.ANY:
            return min(count, 1)
        case rules.ALL:
            return count
        case rules.MAJORITY:
            return count // 2 + 1 if count else 0
    raise EnvelopeError("unsupported_policy", f"rule {rule} of a meta policy")

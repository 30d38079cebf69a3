"""The rules by which Prometheus warns, and the names of the figures that they look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser
import yaml

from tests.support.pages import ROOT

FOLDER = ROOT / "docker" / "prometheus"

OF_ORDERERS = {
    *("consensus_etcdraft_active_nodes", "consensus_etcdraft_cluster_size", "consensus_etcdraft_is_leader"),
    "consensus_etcdraft_leader_changes",
}
OF_BFT_ORDERERS = {"consensus_BFT_is_leader"}
OF_PEERS = {"ledger_block_processing_time_bucket", "ledger_blockchain_height"}
"""Figures of Fabric's nodes that alerts look at: of its metrics reference (release 3.1), and by `channel` each."""


@dataclass(frozen=True)
class Alert:
    name: str
    expression: str
    severity: str
    summary: str


def alerts() -> list[Alert]:
    """All alerts, read strictly: a member that Prometheus does not know stops it."""
    found = []
    document = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    for group in document.pop("groups"):
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
            found.append(
                Alert(rule["alert"], rule["expr"], rule["labels"]["severity"], rule["annotations"]["summary"])
            )
    assert not document
    return found


def figures_of(expression: str) -> set[str]:
    """The names of the figures in an expression.

    Raises:
        ValueError: It is none.
    """
    return set(_selected(promql_parser.parse(expression)))


def _selected(node: Any) -> Iterator[str]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name
    for member in ("lhs", "rhs", "expr", "vector_selector", "param"):
        below = getattr(node, member, None)
        if below is not None:
            yield from _selected(below)
    for argument in getattr(node, "args", ()) or ():
        yield from _selected(argument)

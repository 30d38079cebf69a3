"""What was measured, as tables."""

from collections.abc import Callable, Sequence

from bench.fabric.network import BARE
from bench.fabric.rounds import Summary

Summaries = Callable[[str, int], Summary]

_KINDS = ("peer", "orderer", "client")


def by_clients(summary: Summaries, levels: Sequence[int]) -> str:
    """Return payments beside bare puts, by how many clients there were."""
    lines = [
        "| Clients | Function | a second | of bare | p50 ms | p95 ms | chaincode ms | peers ms | orderers ms | "
        "client ms | failed |",
        "|" + "---|" * 11,
    ]
    for clients in levels:
        bare = summary(f"{BARE} beside trade.pay", clients)
        for name, one in (("bare put", bare), ("`trade.pay`", summary("trade.pay", clients))):
            lines.append(f"| {clients} | {name} {_row(one, bare)}")
    return "\n".join(lines) + "\n\n"


def by_function(summary: Summaries, functions: Sequence[str], clients: int) -> str:
    """Return all functions, each against the bare puts beside it."""
    lines = [
        f"| Function, {clients} clients | a second | of bare | p50 ms | p95 ms | chaincode ms | peers ms | "
        "orderers ms | client ms | failed |",
        "|" + "---|" * 10,
    ]
    for name in functions:
        lines.append(f"| `{name}` {_row(summary(name, clients), summary(f'{BARE} beside {name}', clients))}")
    return "\n".join(lines) + "\n\n"


def _row(one: Summary, bare: Summary) -> str:
    chaincode = one.processor_ms("bare" if one is bare else "chaincode")
    spent = " | ".join(f"{value:.1f}" for value in (chaincode, *map(one.processor_ms, _KINDS)))
    failed = ", ".join(f"{count} {what}" for what, count in one.failures.items()) or "none"
    return (
        f"| {one.rate:.1f} | {one.rate / bare.rate:.2f} | {one.p50_s * 1000:.0f} | {one.p95_s * 1000:.0f} "
        f"| {spent} | {failed} |"
    )

"""What processes of a measured platform have used: read from the kernel, from outside."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> dict[str, int]:
    """Return the children of process `pid` that are modules of ours, by the module's last names."""
    found: dict[str, int] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        module = next((part.removeprefix("countermark.") for part in command if part.startswith("countermark.")), "")
        module = module or next((Path(part).stem for part in command if part.endswith(".py")), "")
        name, number = module, 1
        while name in found:
            number += 1
            name = f"{module} {number}"
        if module:
            found[name] = int(child)
    return found


def processor_s(pid: int) -> float:
    """Return the processor time of `pid` and its dead and living children, in seconds."""
    total = _own(pid)
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            total += processor_s(int(child))
    return total


def _own(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def spent(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Return the milliseconds that each process used per transaction between two readings, most first."""
    each = {name: (after[name] - before[name]) / count * 1000 for name in after if name in before}
    return dict(sorted(each.items(), key=lambda item: -item[1]))


def in_words(each: Mapping[str, float]) -> str:
    """Return what `spent` returns as a line."""
    return ", ".join(f"{name} {value:.1f}" for name, value in each.items()) + " ms of processor time each"


def readings(pid: int) -> dict[str, float]:
    """Return the processor time of each process of ours below `pid`, and of `pid`'s own work."""
    return {name: processor_s(child) for name, child in children(pid).items()} | {"clients": _own(os.getpid())}

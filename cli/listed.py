"""What an audit tells, as lines for people."""

from typing import Any


def lines(document: dict[str, Any]) -> list[str]:
    """Return ``document`` for people: steps as a table, members of members by both names."""
    listed: list[str] = []
    for name, value in document.items():
        if isinstance(value, dict):
            listed += lines({f"{name}.{inner}": one for inner, one in value.items()})
        elif name == "steps":
            listed += [
                f"{step['time']}  {step['function']:<16} {step['state']:<11} {step['tx']}  "
                f"endorsed by {', '.join(step['endorsed_by'])}"
                for step in value
            ]
        elif isinstance(value, list):
            rows = ("  ".join(map(str, entry.values())) if isinstance(entry, dict) else entry for entry in value)
            listed += [f"{name}: {row}" for row in rows]
        else:
            listed.append(f"{name}: {value}")
    return listed

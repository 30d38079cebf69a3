"""Prints the part of requirements.lock that one image needs: `python locked.py gateway < requirements.lock`.

Each process imports a few of the distributions of the whole project. What these need in turn, the lock says itself:
below each distribution stand those on account of which it is there. So an image gets what its process needs, in the
versions and with the hashes with which everything is tested, and there is one lock.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LEDGER = ("cryptography", "grpcio", "hyperledger-fabric-protos", "joserfc", "protobuf", "rfc8785")
_PLATFORM = (
    *_LEDGER,
    "alembic",
    "boto3",
    "http-message-signatures",
    "httpx",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "prometheus-client",
    "psycopg2-binary",
    "pyarrow",
    "sqlalchemy",
    "structlog",
)

IMAGES: Mapping[str, tuple[str, ...]] = {
    "build": ("hatchling",),
    "chaincode": _LEDGER,
    "gateway": (
        *_PLATFORM,
        "flask",
        "flask-openapi3",
        "gunicorn",
        "pydantic",
        "werkzeug",
    ),
    "worker": _PLATFORM,
}
"""What is imported, by image; `build` makes the project's own wheel."""

# An extra stands for itself and for what it adds: flask-openapi3[swagger] is named on account of flask-openapi3.
_START = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==\S+")
_VIA = re.compile(r"^    #(?: via|  ) ([A-Za-z0-9._-]+)")


@dataclass(frozen=True)
class Locked:
    """One distribution of the lock."""

    name: str
    text: str
    """Its lines, with version and hashes."""
    via: frozenset[str]
    """The distributions that need it."""


def parse(lock: str) -> Iterator[Locked]:
    """Yield the distributions of a lock that pip-compile has written."""
    starts = [match.start() for match in re.finditer(r"^(?=[A-Za-z0-9])", lock, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(lock)], strict=True):
        text = lock[start:end]
        if match := _START.match(text):
            via = (found.group(1).lower() for line in text.splitlines() if (found := _VIA.match(line)))
            yield Locked(match.group(1).lower(), text, frozenset(via))


def needed(locked: list[Locked], image: str) -> list[Locked]:
    """Return what `image` imports and whatever that needs.

    Raises:
        KeyError: there is no such image, or the lock lacks what it imports.
    """
    there = {one.name: one for one in locked}
    wanted = {there[name].name for name in IMAGES[image]}
    while added := {one.name for one in locked if one.via & wanted} - wanted:
        wanted |= added
    return [one for one in locked if one.name in wanted]


if __name__ == "__main__":
    _, chosen = sys.argv
    sys.stdout.write("".join(one.text for one in needed(list(parse(sys.stdin.read())), chosen)))

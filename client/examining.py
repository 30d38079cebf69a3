"""Examine whatever lies somewhere: a file, or a collection of files."""

from pathlib import Path

from countermark.client.collections import examine_collection
from countermark.client.data import Choice, Data, examine_file, kind_of_path
from countermark.client.transfers import Progress, no_progress
from countermark.client.vault import Vault
from countermark.fingerprint.kinds import COLLECTION


def examine(
    path: Path,
    choose: Choice,
    *,
    vault: Vault | None = None,
    progress: Progress = no_progress,
    alone: bool = False,
) -> Data:
    """Return what the market needs to know of what lies at ``path``; the same data give the same everywhere (R22).

    ``vault`` keeps what was found of the files of a collection, ``progress`` is told how many were examined;
    ``alone`` starts no other process.

    Raises:
        ClientError: it cannot be read, or is of a kind that ``choose`` has no generators for.
    """
    kind = kind_of_path(path)
    if kind == COLLECTION:
        return examine_collection(path, choose, vault=vault, progress=progress, alone=alone)
    return examine_file(path, kind, choose)

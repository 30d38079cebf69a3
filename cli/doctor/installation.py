"""The installation: Python, the packages that this version was tested with, and what they must be able to do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from countermark.cli.doctor.findings import Finding, NotAsItShouldError, examine

_OLDEST = (3, 11)
_PROGRAM_S = 10


def findings() -> Iterator[Finding]:
    """Yield what was found."""
    return examine(
        ("Python", _python),
        ("packages", _packages),
        ("cryptography", _cryptography),
        ("fingerprints", _fingerprints),
        ("PostgreSQL programs", _postgres),
    )


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST:
        raise ValueError(f"{version}; {'.'.join(map(str, _OLDEST))} or newer is needed")
    return version


def _packages() -> str:
    """Compare what is installed with the exact versions that this version requires."""
    missing, other = [], []
    required = [one for one in metadata.requires("countermark") or () if "extra ==" not in one]
    for requirement in required:
        name, _, wanted = requirement.partition("==")
        name = name.partition("[")[0]
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if wanted and found != wanted:
            other.append(f"{name} {found} instead of {wanted}")
    if missing:
        raise ValueError(f"not installed: {', '.join(missing)}")
    if other:
        raise NotAsItShouldError(f"not the versions that were tested: {', '.join(other)}")
    return f"{len(required)} of {len(required)} as tested"


def _cryptography() -> str:
    """Seal and open a message: OpenSSL may have been built without what that needs."""
    from cryptography.exceptions import UnsupportedAlgorithm

    from countermark.protocol import sealed

    try:
        key = sealed.EncryptionKey.generate()
        message = sealed.seal(key.public, b"?", kind="doctor", market="a/b", key_version=1)
        opened = sealed.open_sealed({1: key}, message, kind="doctor", market="a/b")
    except UnsupportedAlgorithm as error:
        raise ValueError(f"the hybrid key exchange is not available: {error}") from error
    if opened != b"?":
        raise ValueError("a sealed message opens to something else")
    return "MLKEM768-X25519"


def _fingerprints() -> str:
    from countermark.fingerprint import conformance

    differing = conformance.failures()
    if differing:
        raise ValueError(f"this machine computes other fingerprints than published: {', '.join(differing)}")
    return f"{len(conformance.vectors())} vectors as published"


def _postgres() -> str:
    from countermark.gateway import database

    if os.environ.get("DATABASE_URL"):
        return "not needed: DATABASE_URL names a server"
    program = database.program()
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_PROGRAM_S, check=False)
    if done.returncode:
        raise ValueError(f"{program} does not start: {done.stderr.strip()}")
    return done.stdout.strip()

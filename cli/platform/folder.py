"""The folder of a platform in containers: what is made on the host, and what each container gets of it.

secrets/      mounted one by one, each by those who need it; for the containers' account only
public/       mounted whole as /etc/countermark: certificates and connection files
authority/    of the gateway's certificate; its key stays on the host
roles/        keys of platform, supervisor and arbiters, as `countermark up` makes them; stay on the host
compose.env   what docker/compose.yaml must know
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from countermark.cli.up.data import DataFolder
from countermark.client.files import private_folder
from countermark.network.identities.files import PUBLIC, write_file
from countermark.network.nodes.owner import Owner

SECRET = 0o400

SECRETS, ETC, STATE = "/run/secrets", "/etc/countermark", "/var/lib/countermark"
"""Where containers have secrets, public files and what is stored."""


@dataclass(frozen=True, slots=True)
class PlatformFolder:
    """The paths under one folder, and how they are written."""

    path: Path
    owner: Owner

    @property
    def roles(self) -> DataFolder:
        """The keys, in the folders of `countermark up`."""
        return DataFolder(self.path / "roles")

    @property
    def authority(self) -> Path:
        """The authority of the gateway's certificate."""
        return self.path / "authority"

    @property
    def compose_env(self) -> Path:
        """Variables of docker/compose.yaml."""
        return self.path / "compose.env"

    def secret(self, name: str) -> Path:
        """Return the file of a secret."""
        return self.path / "secrets" / name

    def public(self, name: str) -> Path:
        """Return a file that all containers have, by its name below /etc/countermark."""
        return self.path / "public" / name

    def write_secret(self, name: str, data: bytes) -> bool:
        """Write a secret for its owner alone, and return whether that changed anything."""
        private_folder(self.path / "secrets")
        path = self.secret(name)
        if _holds(path, data, SECRET, self.owner):
            return False
        write_file(path, data, mode=SECRET)
        self.owner.take(path)
        return True

    def write_public(self, name: str, data: bytes) -> bool:
        """Write a file that everybody may read, and return whether that changed anything."""
        path = self.public(name)
        for folder in _up_to(path.parent, self.path / "public"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        if _holds(path, data, PUBLIC, None):
            return False
        write_file(path, data, mode=PUBLIC)
        return True


def _holds(path: Path, data: bytes, mode: int, owner: Owner | None) -> bool:
    try:
        mine = owner is None or owner.has(path)
        return mine and stat.S_IMODE(path.stat().st_mode) == mode and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _up_to(folder: Path, top: Path) -> Iterator[Path]:
    if folder != top:
        yield from _up_to(folder.parent, top)
    yield folder

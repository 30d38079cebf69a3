"""A party's home folder: keystores, vaults and the profile that says which gateway it uses."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from countermark.client import keystore, pins
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import locked, private_folder, write_private
from countermark.client.keystore import Keys
from countermark.client.vault import Vault
from countermark.protocol.market import MarketConfig

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """What a home remembers in clear: the gateway's URL, the CA of its certificate, the account in use."""

    gateway: str = ""
    ca_file: str = ""
    account: str = ""


class Home:
    """The folder ``path``; made, with mode 0700, by the first write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def profile(self) -> Profile:
        """The profile; empty in a new home.

        Raises:
            ClientError: the file is malformed.
        """
        try:
            document = json.loads((self.path / "profile.json").read_text())
        except FileNotFoundError:
            return Profile()
        except (ValueError, RecursionError):
            document = None
        names = {field.name for field in fields(Profile)}
        if (
            not isinstance(document, dict)
            or not set(document) <= names
            or not all(isinstance(value, str) for value in document.values())
        ):
            raise ClientError(REFUSED_HERE, f"{self.path / 'profile.json'} is malformed")
        return Profile(**document)

    def update_profile(self, **changes: str) -> Profile:
        """Store the profile with ``changes`` and return it."""
        with self._locked():
            return self._store_profile(changes)

    def _store_profile(self, changes: dict[str, str]) -> Profile:
        profile = replace(self.profile, **changes)
        write_private(self.path / "profile.json", json.dumps(asdict(profile), indent=1).encode())
        return profile

    def trust(self, name: str, config: MarketConfig, *, save: bool) -> None:
        """Check that this is the market that the home has used before; the first one is trusted.

        Raises:
            ClientError: it has another name or another platform, or the file of what was seen is malformed.
        """
        path = self.path / "market.json"
        if not save:
            pins.check(pins.load(path), name, config)
            return
        with self._locked():
            known = pins.load(path)
            seen = pins.check(known, name, config)
            if seen != known:
                write_private(path, seen.to_json())

    def accounts(self) -> dict[str, str]:
        """Return the addresses of the accounts here by name."""
        folder = self.path / "accounts"
        if not folder.is_dir():
            return {}
        return {path.stem: keystore.address_in(path) for path in sorted(folder.glob("*.json"))}

    def create_account(self, name: str, passphrase: bytes) -> Keys:
        """Make new keys, store them under ``name`` and use them from now on.

        Raises:
            ClientError: there is an account of that name, made at this very moment perhaps.
        """
        path = self.check_new(name)
        keys = Keys.generate()
        with self._locked():
            private_folder(path.parent)
            try:
                keystore.save(path, keys, passphrase, clobber=False)
            except FileExistsError:
                raise _exists(name) from None
            self._store_profile({"account": name})
        return keys

    def check_new(self, name: str) -> Path:
        """Return where the keystore of a new account ``name`` will lie.

        Raises:
            ClientError: there is an account of that name, or it is none.
        """
        path = self._keystore(name)
        if path.exists():
            raise _exists(name)
        return path

    def open_account(self, passphrase: bytes, name: str = "") -> Keys:
        """Return the keys of the account ``name``, or of the one in use.

        Raises:
            ClientError: no such account, or a wrong passphrase.
        """
        return keystore.load(self._existing(name), passphrase)

    def vault(self, keys: Keys) -> Vault:
        """Return the vault of the account whose keys are ``keys``."""
        return Vault(self.path / "vault" / keys.address.removeprefix("did:key:"), keys.vault)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing what is read here and written back, while the block runs."""
        self._own()
        with locked(self.path / ".lock"):
            yield

    def _own(self) -> None:
        # An empty folder that was made for us becomes private; one with other things in it is not ours to close.
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.chmod(0o700)
        private_folder(self.path)

    def _existing(self, name: str) -> Path:
        name = name or self.profile.account
        if not name:
            raise ClientError(REFUSED_HERE, f"{self.path} has no account yet; `countermark account new` makes one")
        path = self._keystore(name)
        if not path.exists():
            raise ClientError(REFUSED_HERE, f"{self.path} has no account {name}")
        return path

    def _keystore(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ClientError(REFUSED_HERE, "an account's name has at most 64 letters, digits, - and _")
        return self.path / "accounts" / f"{name}.json"


def _exists(name: str) -> ClientError:
    return ClientError(REFUSED_HERE, f"there is an account {name} already")

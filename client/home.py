"""A party's home folder: keystores, vaults and the profile that says which gateway it uses."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from countermark.client import keystore
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder, write_private
from countermark.client.keystore import Keys
from countermark.client.vault import Vault


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
            return Profile(**json.loads((self.path / "profile.json").read_text()))
        except FileNotFoundError:
            return Profile()
        except (ValueError, TypeError) as error:
            raise ClientError(REFUSED_HERE, f"{self.path / 'profile.json'} is malformed") from error

    def update_profile(self, **changes: str) -> Profile:
        """Store the profile with ``changes`` and return it."""
        profile = replace(self.profile, **changes)
        private_folder(self.path)
        write_private(self.path / "profile.json", json.dumps(asdict(profile), indent=1).encode())
        return profile

    def accounts(self) -> dict[str, str]:
        """Return the addresses of the accounts here by name."""
        folder = self.path / "accounts"
        if not folder.is_dir():
            return {}
        return {path.stem: keystore.address_in(path) for path in sorted(folder.glob("*.json"))}

    def create_account(self, name: str, passphrase: bytes) -> Keys:
        """Make new keys, store them under ``name`` and use them from now on.

        Raises:
            ClientError: there is an account of that name.
        """
        path = self._keystore(name)
        if path.exists():
            raise ClientError(REFUSED_HERE, f"there is an account {name} already")
        private_folder(self.path)
        private_folder(path.parent)
        keys = Keys.generate()
        keystore.save(path, keys, passphrase)
        self.update_profile(account=name)
        return keys

    def open_account(self, passphrase: bytes, name: str = "") -> Keys:
        """Return the keys of the account ``name``, or of the one in use.

        Raises:
            ClientError: no such account, or a wrong passphrase.
        """
        return keystore.load(self._existing(name), passphrase)

    def store_keys(self, keys: Keys, passphrase: bytes, name: str = "") -> None:
        """Replace the keys of the account ``name``, or of the one in use, after a rotation."""
        keystore.save(self._existing(name), keys, passphrase)

    def vault(self, keys: Keys) -> Vault:
        """Return the vault of the account whose keys are ``keys``."""
        return Vault(self.path / "vault" / keys.address.removeprefix("did:key:"), keys.vault)

    def _existing(self, name: str) -> Path:
        name = name or self.profile.account
        if not name:
            raise ClientError(REFUSED_HERE, f"{self.path} has no account yet; `countermark account new` makes one")
        path = self._keystore(name)
        if not path.exists():
            raise ClientError(REFUSED_HERE, f"{self.path} has no account {name}")
        return path

    def _keystore(self, name: str) -> Path:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise ClientError(REFUSED_HERE, "an account's name has letters, digits, - and _ only")
        return self.path / "accounts" / f"{name}.json"

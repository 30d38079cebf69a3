"""The data folder of `countermark up`: where everything lies, and the secrets that a first start makes.

Each role's keys lie in a folder of its own with mode 0700. Whoever runs this platform for others than himself puts
them on other machines; here one operating-system user plays all parts, which the start says.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from countermark.cli.up.market import RoleKeys
from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import private_folder, write_private
from countermark.client.home import Home
from countermark.client.keystore import Keys
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.sealed import EncryptionKey

PLATFORM, SUPERVISOR, TRADER = "PlatformMSP", "SupervisorMSP", "TraderMSP"
CHANNEL, CHAINCODE = "market", "countermark"
MARKET = f"{CHANNEL}/{CHAINCODE}"


@dataclass(frozen=True)
class DataFolder:
    """The paths under one data folder."""

    path: Path

    @property
    def network(self) -> Path:
        """The embedded peer's: material, blocks, state."""
        return self.path / "network"

    @property
    def postgres(self) -> Path:
        """The embedded database's."""
        return self.path / "postgres"

    @property
    def database_url_file(self) -> Path:
        """The URL of the embedded database, written when that has started."""
        return self.path / "database-url"

    @property
    def objects(self) -> Path:
        """Packages and sealed openings, unless `OBJECTS_URL` names another store."""
        return self.path / "objects"

    @property
    def spool(self) -> Path:
        """Pieces of uploads on their way into the object store; nothing of it outlives a request."""
        return self.path / "spool"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def gateway(self) -> Path:
        """The gateway's configuration, keys and TLS certificate."""
        return self.path / "gateway"

    @property
    def gateway_config(self) -> Path:
        """The configuration that gateway and worker read."""
        return self.gateway / "config.json"

    @property
    def connections(self) -> Path:
        """The connection files of interfaces.md, one per organisation."""
        return self.path / "connection"

    @property
    def genesis_file(self) -> Path:
        """The channel's genesis block, by which auditors know the ledger; for them to copy and keep."""
        return self.path / "genesis.block"

    @property
    def gateway_file(self) -> Path:
        """``{"url"}``, there while the gateway answers."""
        return self.path / "gateway.json"

    @property
    def gateway_ca(self) -> Path:
        """The certificate authority of the gateway's certificate."""
        return self.path / "gateway-ca.pem"

    @property
    def passphrase_file(self) -> Path:
        """The passphrase of the homes in this folder."""
        return self.path / "passphrase"

    def home(self, role: str) -> Home:
        """Return the home of the consortium's ``role``: supervisor, arbiter or substitute."""
        return Home(self.path / "homes" / role)

    def passphrase(self) -> bytes:
        """Return the passphrase, made by the first call; `up` never asks."""
        if not self.passphrase_file.exists():
            private_folder(self.path)
            write_private(self.passphrase_file, secrets.token_urlsafe(24).encode() + b"\n")
        return self.passphrase_file.read_bytes().strip()

    def role_keys(self, role: str) -> Keys:
        """Return the keys of ``role``'s home, made by the first call."""
        home = self.home(role)
        if role in home.accounts():
            return home.open_account(self.passphrase(), role)
        return home.create_account(role, self.passphrase())


@dataclass(frozen=True)
class PlatformKeys:
    """What the gateway needs to act as the platform: see `gateway.keys`."""

    account: AccountKey
    encryption: EncryptionKey
    issuer: AccountKey
    pepper: bytes

    def role(self, msp_id: str) -> RoleKeys:
        """Return the public side of it, as the organisation ``msp_id``."""
        return RoleKeys(msp_id, self.account.address, self.encryption)


def platform_keys(data: DataFolder) -> PlatformKeys:
    """Return the platform's keys, made by the first call.

    Raises:
        ClientError: the folder is that of a member's gateway.
    """
    path = data.gateway / "keys.json"
    pepper_path = data.gateway / "pepper"
    if not path.exists():
        private_folder(data.gateway)
        write_private(pepper_path, os.urandom(32))
        document = {
            "account": b64u(AccountKey.generate().to_bytes()),
            "encryption": {"1": b64u(EncryptionKey.generate().to_bytes())},
            "table": b64u(os.urandom(32)),
            "issuer": b64u(AccountKey.generate().to_bytes()),
        }
        write_private(path, json.dumps(document).encode())
    document = json.loads(path.read_bytes())
    if "account" not in document:
        raise ClientError(REFUSED_HERE, f"{data.path} is the folder of a member's gateway; use another --data")
    return PlatformKeys(
        AccountKey.from_bytes(unb64u(document["account"])),
        EncryptionKey.from_bytes(unb64u(document["encryption"]["1"])),
        AccountKey.from_bytes(unb64u(document["issuer"])),
        pepper_path.read_bytes(),
    )


def member_keys(data: DataFolder) -> None:
    """Make the keys of a member's gateway, unless they are there.

    Raises:
        ClientError: the folder is that of a platform.
    """
    path = data.gateway / "keys.json"
    if not path.exists():
        private_folder(data.gateway)
        write_private(path, json.dumps({"table": b64u(os.urandom(32))}).encode())
    if "account" in json.loads(path.read_bytes()):
        raise ClientError(REFUSED_HERE, f"{data.path} is the folder of a platform; use another --data")

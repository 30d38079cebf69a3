"""The encrypted keystore: one file per account, opened by a passphrase.

The file says the address in clear, so that accounts can be listed without the passphrase; the address is bound to
the ciphertext. scrypt (RFC 7914) makes the key, AES-256-GCM keeps it.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from countermark.client.errors import REFUSED_HERE, ClientError
from countermark.client.files import write_private
from countermark.protocol import canonical, fields
from countermark.protocol.accounts import AccountKey
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import MarketError
from countermark.protocol.sealed import EncryptionKey

_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1


def _ciphertext(value: object) -> str:
    unb64u(value)
    return str(value)


_FILE = {
    "v": fields.integer(1, 1),
    "address": fields.address,
    "salt": fields.binary(16),
    "nonce": fields.binary(12),
    "ciphertext": _ciphertext,
}


@dataclass(frozen=True)
class Keys:
    """An account's private keys: for signing, for reading messages (by version), and for the vault beside them."""

    account: AccountKey
    encryption: dict[int, EncryptionKey] = field(repr=False)
    vault: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "Keys":
        """Return new random keys; the encryption key has version 1."""
        return cls(AccountKey.generate(), {1: EncryptionKey.generate()}, secrets.token_bytes(32))

    @property
    def address(self) -> str:
        """The account's address."""
        return self.account.address

    @property
    def current_encryption(self) -> tuple[int, EncryptionKey]:
        """The newest encryption key and its version."""
        version = max(self.encryption)
        return version, self.encryption[version]


def _cipher(passphrase: bytes, salt: bytes) -> AESGCM:
    kdf = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return AESGCM(kdf.derive(passphrase))


def save(path: Path, keys: Keys, passphrase: bytes, *, clobber: bool = True) -> None:
    """Write ``keys`` to ``path``, for its owner only, under ``passphrase``; an older file is replaced whole.

    Raises:
        FileExistsError: there is one, and it is not to be clobbered.
    """
    salt, nonce = os.urandom(16), os.urandom(12)
    secret = canonical.dumps(
        {
            "account": b64u(keys.account.to_bytes()),
            "encryption": {str(version): b64u(key.to_bytes()) for version, key in keys.encryption.items()},
            "vault": b64u(keys.vault),
        }
    )
    ciphertext = _cipher(passphrase, salt).encrypt(nonce, secret, keys.address.encode())
    document = {
        "v": 1,
        "address": keys.address,
        "salt": b64u(salt),
        "nonce": b64u(nonce),
        "ciphertext": b64u(ciphertext),
    }
    write_private(path, canonical.dumps(document), clobber=clobber)


def address_in(path: Path) -> str:
    """Return the address of the account in the keystore ``path``.

    Raises:
        ClientError: the file is no keystore.
    """
    return str(_read(path)["address"])


def load(path: Path, passphrase: bytes) -> Keys:
    """Return the keys in ``path``.

    Raises:
        ClientError: the file is no keystore, or the passphrase is wrong.
    """
    document = _read(path)
    try:
        secret = _cipher(passphrase, unb64u(document["salt"])).decrypt(
            unb64u(document["nonce"]), unb64u(document["ciphertext"]), str(document["address"]).encode()
        )
    except InvalidTag:
        raise ClientError(REFUSED_HERE, f"the passphrase does not open {path.name}") from None
    keys = canonical.loads(secret)
    return Keys(
        AccountKey.from_bytes(unb64u(keys["account"])),
        {int(version): EncryptionKey.from_bytes(unb64u(key)) for version, key in keys["encryption"].items()},
        unb64u(keys["vault"]),
    )


def _read(path: Path) -> dict[str, object]:
    try:
        return fields.record(canonical.loads(path.read_bytes()), _FILE)
    except (MarketError, OSError) as error:
        raise ClientError(REFUSED_HERE, f"{path} is no keystore: {error}") from error

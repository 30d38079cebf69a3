"""One organisation's key material in a folder: its two authorities and whatever they issued.

    organisation.json     MSP id and domain
    ca/, tlsca/           cert.pem, key.pem of the authorities of identities and of TLS
    identities/<name>/    cert.pem, key.pem of a member
    tls/<name>/           cert.pem, key.pem of an endpoint

Private keys are readable by their owner alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from countermark.network.errors import IdentityError
from countermark.network.identities.authorities import CertificateAuthority, KeyPair
from countermark.network.identities.files import PRIVATE, write_file
from countermark.network.identities.msps import Msp
from countermark.network.identities.roles import Role
from countermark.network.identities.signing import SigningIdentity

_DESCRIPTION = "organisation.json"


@dataclass(frozen=True, slots=True)
class Material:
    """Where certificate and private key of one member or endpoint lie."""

    certificate_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of the consortium whose authorities lie in `directory`."""

    directory: Path
    msp_id: str
    domain: str

    @classmethod
    def create(cls, directory: Path, msp_id: str, domain: str, *, now: datetime | None = None) -> "Organisation":
        """Make the authorities of a new organisation in `directory` and return it.

        Raises:
            IdentityError: There is an organisation in that folder already; its keys are not overwritten.
        """
        if (directory / _DESCRIPTION).exists():
            raise IdentityError("organisation_exists", str(directory))
        organisation = cls(directory, msp_id, domain)
        for name in ("ca", "tlsca"):
            authority = CertificateAuthority.create(name, domain, now=now)
            _write(directory / name, authority.pair)
        # Last, so that a folder cut short is not taken for an organisation.
        description = json.dumps({"msp_id": msp_id, "domain": domain}, indent=2) + "\n"
        write_file(directory / _DESCRIPTION, description.encode())
        return organisation

    @classmethod
    def load(cls, directory: Path) -> "Organisation":
        """Return the organisation that `create` made in `directory`.

        Raises:
            IdentityError: There is none, or its description is damaged.
        """
        try:
            document = json.loads((directory / _DESCRIPTION).read_bytes())
            return cls(directory, str(document["msp_id"]), str(document["domain"]))
        except OSError as error:
            raise IdentityError("no_organisation", f"{directory}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise IdentityError("malformed_organisation", str(directory / _DESCRIPTION)) from error

    def issue(
        self,
        name: str,
        ou: Role,
        *,
        attributes: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> Material:
        """Issue certificate and key for the member `name` with the role `ou`, and return where they lie.

        Raises:
            IdentityError: The authority's files are missing or damaged.
        """
        pair = self._authority("ca").issue(name, ou, attributes=attributes, now=now)
        return _write(self.directory / "identities" / name, pair)

    def issue_tls(self, name: str, sans: Sequence[str], *, now: datetime | None = None) -> Material:
        """Issue certificate and key for the TLS endpoint `name`, reached under `sans`, and return where they lie.

        Raises:
            IdentityError: The authority's files are missing or damaged.
        """
        return _write(self.directory / "tls" / name, self._authority("tlsca").issue_tls(name, sans, now=now))

    def renew(self, name: str, *, now: datetime | None = None) -> None:
        """Replace the certificate of the member `name` by one for the same key, valid from `now`.

        Raises:
            IdentityError: It was never issued, files are damaged, or the authority has expired.
        """
        self._renew("ca", self.directory / "identities" / name / "cert.pem", now)

    def renew_tls(self, name: str, *, now: datetime | None = None) -> None:
        """Replace the certificate of the TLS endpoint `name` by one for the same key and names, valid from `now`.

        Raises:
            IdentityError: It was never issued, files are damaged, or the authority has expired.
        """
        self._renew("tlsca", self.directory / "tls" / name / "cert.pem", now)

    def _renew(self, authority: str, file: Path, now: datetime | None) -> None:
        write_file(file, self._authority(authority).renew(_read(file), now=now))

    def identity(self, name: str) -> SigningIdentity:
        """Return the member `name`, able to sign.

        Raises:
            IdentityError: It was never issued, or its files are damaged.
        """
        folder = self.directory / "identities" / name
        return SigningIdentity.load(self.msp_id, folder / "cert.pem", folder / "key.pem")

    @property
    def tls_ca_file(self) -> Path:
        """The certificate that TLS endpoints of this organisation chain to."""
        return self.directory / "tlsca" / "cert.pem"

    @property
    def msp(self) -> Msp:
        """The public definition: what the other organisations need to know of this one.

        Raises:
            IdentityError: The authorities' certificates are missing.
        """
        return Msp(
            self.msp_id,
            root_certs=(_read(self.directory / "ca" / "cert.pem"),),
            tls_root_certs=(_read(self.tls_ca_file),),
        )

    def _authority(self, name: str) -> CertificateAuthority:
        folder = self.directory / name
        return CertificateAuthority(self.domain, KeyPair(_read(folder / "cert.pem"), _read(folder / "key.pem")))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IdentityError("unreadable_identity", f"{path}: {error.strerror}") from error


def _write(folder: Path, pair: KeyPair) -> Material:
    material = Material(folder / "cert.pem", folder / "key.pem")
    write_file(material.key_file, pair.key_pem, mode=PRIVATE)
    write_file(material.certificate_file, pair.certificate_pem)
    return material

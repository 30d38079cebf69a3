"""X.509 identities of the consortium: authorities, members, and what an MSP accepts."""

from countermark.network.identities.authorities import CertificateAuthority, KeyPair
from countermark.network.identities.msps import Consortium, Member, Msp
from countermark.network.identities.organisations import Material, Organisation
from countermark.network.identities.roles import Role
from countermark.network.identities.serialized import SerializedIdentity
from countermark.network.identities.signing import SigningIdentity

__all__ = [
    "CertificateAuthority",
    "Consortium",
    "KeyPair",
    "Material",
    "Member",
    "Msp",
    "Organisation",
    "Role",
    "SerializedIdentity",
    "SigningIdentity",
]

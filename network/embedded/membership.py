"""Who may do what on the channel: MSP checks with a short memory, as every peer makes them for every message."""

from collections.abc import Container
from functools import lru_cache
from typing import Final

from countermark.network.embedded.signatures import Signatures
from countermark.network.envelopes import Endorsement
from countermark.network.errors import IdentityError
from countermark.network.genesis.policies import READER_ROLES, WRITER_ROLES
from countermark.network.identities import Consortium, Member, Role, SerializedIdentity

WRITERS: Final = frozenset(WRITER_ROLES)
"""Roles that may propose, evaluate and submit transactions (the channel's Writers)."""

READERS: Final = frozenset(READER_ROLES)
"""Roles that may read blocks, events and outcomes (the channel's Readers)."""

_MINUTE_MS = 60_000


class Membership:
    """The organisations of the channel; an identity once accepted is not checked again within the same minute."""

    def __init__(self, consortium: Consortium) -> None:
        self.signatures = Signatures()
        """The signatures that have been checked, or made, in this process."""
        self._consortium = consortium
        # Checking a certificate against its root costs a signature check; every organisation has few identities.
        self._validate = lru_cache(maxsize=4096)(self._check)
        self._recognise = lru_cache(maxsize=4096)(self._member)

    @property
    def msp_ids(self) -> tuple[str, ...]:
        """Ids of all organisations, sorted."""
        return self._consortium.msp_ids

    def member(self, serialized: bytes, *, at_ms: int) -> Member:
        """Return the member whose serialized identity this is, valid in the minute of `at_ms`.

        Raises:
            IdentityError: It does not parse, or its MSP refuses it.
        """
        return self._validate(serialized, at_ms // _MINUTE_MS)

    def recognise(self, serialized: bytes) -> Member:
        """Return the member whose serialized identity this is, expired or not: for what stands in blocks.

        Raises:
            IdentityError: It does not parse, or its MSP refuses it.
        """
        return self._recognise(serialized)

    def authenticate(
        self, serialized: bytes, signature: bytes, data: bytes, *, at_ms: int | None, roles: Container[Role]
    ) -> Member:
        """Return the member who signed `data`, if he has one of `roles`; `at_ms` None is for what stands in blocks.

        Raises:
            IdentityError: No member, or one with another role.
            SignatureError: The signature is not his.
        """
        member = self.recognise(serialized) if at_ms is None else self.member(serialized, at_ms=at_ms)
        if member.role not in roles:
            raise IdentityError("role_not_allowed", f"{member.msp_id}.{member.role} may not do this")
        self.signatures.check(serialized, signature, data)
        return member

    def verify_endorsement(self, endorsement: Endorsement, response_payload: bytes) -> None:
        """Check the signature of `endorsement` over `response_payload`.

        Raises:
            IdentityError: The endorser does not parse.
            SignatureError: The signature is not his.
        """
        self.signatures.check(endorsement.endorser, endorsement.signature, response_payload + endorsement.endorser)

    def _check(self, serialized: bytes, minute: int) -> Member:
        return self._consortium.validate(SerializedIdentity.parse(serialized), at_ms=minute * _MINUTE_MS)

    def _member(self, serialized: bytes) -> Member:
        return self._consortium.member(SerializedIdentity.parse(serialized))

"""The forms that values have in answers, as the description of the API tells them."""

from typing import Annotated

from pydantic import Field

Amount = Annotated[
    str, Field(pattern="^(0|[1-9][0-9]{0,18})$", description="minor units", json_schema_extra={"example": "10001"})
]
Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$", json_schema_extra={"example": "sha256:" + "9f" * 32})]
Time = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        json_schema_extra={"format": "date-time", "example": "2026-01-31T12:00:00.000Z"},
    ),
]
NoTime = Annotated[str, Field(pattern="^$", description="there is none")]

Salt = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9_-]{43}$",
        description="32 random bytes, base64url",
        json_schema_extra={"example": "A" * 43},
    ),
]
Address = Annotated[
    str,
    Field(
        pattern="^did:key:zDn[1-9A-HJ-NP-Za-km-z]+$",
        description="an account: its public key as a `did:key`",
        json_schema_extra={"example": "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"},
    ),
]
ListingId = Annotated[
    str,
    Field(
        pattern="^dc1[a-z2-7]{52}$",
        description="a contract's address",
        json_schema_extra={"example": "dc1" + "k7" * 26},
    ),
]
TradeId = Annotated[
    str,
    Field(pattern="^tr1[a-z2-7]{52}$", description="a trade's id", json_schema_extra={"example": "tr1" + "q4" * 26}),
]
ClaimId = Annotated[
    str,
    Field(pattern="^cl1[a-z2-7]{52}$", description="a claim's id", json_schema_extra={"example": "cl1" + "w3" * 26}),
]
TransactionId = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="a transaction's id on the ledger",
        json_schema_extra={"example": "5c" * 32},
    ),
]
Token = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
        description="compact JWS (RFC 7515)",
        json_schema_extra={"example": "eyJhbGciOiJFUzI1NiJ9.eyJhY3Rpb24iOiJ0cmFkZS5jb25maXJtIn0.c2lnbmF0dXJl"},
    ),
]

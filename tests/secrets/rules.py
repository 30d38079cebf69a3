"""Where secrets may stand in clear: everywhere else they may not."""

import re
from dataclasses import dataclass

LISTED, PENDING = ("sold", "disputed", "altered", "claimed"), "pending"
CONTRACTS = (*LISTED, PENDING)
ERASED = "erased"
"""Listed for a while, and then erased by its seller."""
WORDS = ("title", "text", "tags")
_LISTED, _WORDS = f"({'|'.join(LISTED)})", "|".join(WORDS)
_KEPT = f"({'|'.join(CONTRACTS)})"
_OPENING = rf"(root|exact digest|salt_f|salt_exact|salt_d|{_WORDS}) of {_KEPT}"


@dataclass(frozen=True)
class Permission:
    """Some secrets may stand at some places: patterns of both names, and why."""

    secrets: str
    places: str
    why: str

    def permits(self, secret: str, place: str) -> bool:
        """Return whether `secret` may stand at `place` by this permission."""
        return bool(re.fullmatch(self.secrets, secret) and re.fullmatch(self.places, place))

    def __str__(self) -> str:
        return self.why


PERMISSIONS = (
    Permission(
        rf"{_OPENING}|pepper",
        r"ledger/(platform|supervisor)/private",
        "the private collection is for platform and supervisor",
    ),
    Permission(
        rf"{_OPENING}|pepper",
        r"network/ledger/private\.db(-wal)?",
        "the embedded peer keeps the private collection for its members",
    ),
    Permission(
        rf"root of {_KEPT}",
        r"database/(data_contracts|registrations)\.fingerprint_root|postgres/.*",
        "the platform finds applications by their roots",
    ),
    Permission(
        rf"({_WORDS}) of {_LISTED}",
        r"database/data_contracts\.search_text|postgres/.*",
        "what is listed can be searched for by its words",
    ),
    Permission(
        rf"({_WORDS}|salt_d) of {_LISTED}",
        r"answer/\w+/GET /v1/listings(/\w+)? 200",
        "anybody may read what is listed",
    ),
    Permission(
        rf"({_WORDS}|salt_d) of {ERASED}",
        r"answer/buyer/GET /v1/listings/\w+ 200",
        "what somebody has read before it was erased cannot be taken back",
    ),
    Permission(
        rf"(root|{_WORDS}) of {ERASED}",
        r"postgres/data/pg_wal/\w+",
        "the log of the database is written over as time goes on",
    ),
    Permission(
        rf"({_WORDS}|salt_d) of {PENDING}",
        r"answer/seller/GET /v1/listings(/\w+)? 200",
        "a seller may read his own before it is listed",
    ),
    Permission(
        "canary in hook",
        r"answer/seller/(GET|POST) /v1/webhooks(/\w+)? 20[01]",
        "an account is told of its own webhooks",
    ),
    Permission("name of the traders", r"home/\w+-home/profile\.json", "a home knows its own account's name"),
    Permission("keys of the platform", r"gateway/keys\.json", "the gateway's own keys"),
    Permission("pepper", "gateway/pepper", "the pepper that `up` has made"),
    Permission(
        "keys of the organisations",
        r"network/organisations/.*key\.pem|gateway/tls-key\.pem",
        "organisations' own keys, each in its file",
    ),
)

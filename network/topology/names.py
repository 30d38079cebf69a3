"""The forms of names: what may stand in configuration of Fabric, in file names and in certificates alike."""

import re
from dataclasses import dataclass

from countermark.protocol.errors import ErrorCode, MarketError


@dataclass(frozen=True, slots=True)
class Form:
    """A form of text, and how it is called in messages."""

    what: str
    pattern: re.Pattern[str]

    def fits(self, text: str) -> bool:
        """Return whether `text` has this form."""
        return self.pattern.fullmatch(text) is not None

    def parse(self, value: object) -> str:
        """Return `value` if it is text of this form: a parser as those of `protocol.fields`.

        Raises:
            MarketError: It is none.
        """
        if not isinstance(value, str) or not self.fits(value):
            raise MarketError(ErrorCode.MALFORMED_REQUEST, f"{self.what} is expected")
        return value


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

RESERVED = frozenset({"admin", "gateway"})
"""Members that every organisation has: no node may have the name, for it would get their certificate."""

NAME = Form("a name of a-z, 0-9 and hyphens", re.compile(r"[a-z][a-z0-9-]{0,29}"))
NODE = Form("a node's name such as peer0.platform", re.compile(r"[a-z][a-z0-9-]{0,29}\.[a-z][a-z0-9-]{0,29}"))
MSP_ID = Form("an MSP id of letters, digits, hyphens and dots", re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}"))
DOMAIN = Form("a domain such as platform.example", re.compile(rf"(?=.{{1,190}}\Z){_LABEL}(?:\.{_LABEL})+"))
HOST = Form("a host name or IPv4 address", re.compile(rf"(?=.{{1,190}}\Z){_LABEL}(?:\.{_LABEL})*"))
CHANNEL = Form("a channel's name of a-z, 0-9, dots and hyphens", re.compile(r"[a-z][a-z0-9.-]{0,63}"))
# Fabric has chaincodes of its own under the names that are left out.
CHAINCODE = Form(
    "a chaincode's name of letters, digits and single hyphens",
    re.compile(r"(?=.{1,48}\Z)(?!(?:cscc|escc|lscc|qscc|vscc)\Z)[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"),
)
VERSION = Form(
    "a version of letters, digits, dots, hyphens and plus signs", re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,31}")
)

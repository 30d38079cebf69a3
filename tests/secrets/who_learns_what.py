"""The table of protocol.md, "Who learns what", as data: each cell with what is checked of it.

A cell says what it says in protocol.md and in docs/security.md; what must be found in what its holder gets, and what
must not; and what of it nothing can show yet.
"""

from dataclasses import dataclass, replace

from tests.secrets.rules import CONTRACTS, LISTED, WORDS

PARTIES = ("Platform", "Supervisor", "Other organisation's peer", "Gateway of another organisation", "Outsider")

Names = tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """What one holder (of `knowledge.HOLDERS`) must learn of a datum, and what he must not."""

    holder: str
    learns: Names = ()
    never: Names = ()


@dataclass(frozen=True)
class Cell:
    """What the table says of one datum and one party."""

    says: str
    checks: tuple[Check, ...]
    missing: str = ""
    """What of the cell is not built, so that nothing is checked of it."""


def of(what: str, names: Names = CONTRACTS) -> Names:
    """Return the names of something of each contract."""
    return tuple(f"{what} of {name}" for name in names)


def words(names: Names) -> Names:
    """Return the names of the descriptions' words."""
    return tuple(f"{word} of {name}" for word in WORDS for name in names)


PENDING, TRADED, DISPUTED = ("pending",), ("sold", "altered", "disputed"), ("disputed",)
UNDISPUTED = tuple(name for name in CONTRACTS if name not in DISPUTED)
NOTICES = (*of("notice of the seller", TRADED), *of("notice of the buyer", ("sold", "altered")))
DIGESTS = tuple(f"digest of the {notice}" for notice in NOTICES)

_DATA = (*of("data", UNDISPUTED), *of("package key", ("sold", "altered")))
_DISPUTED_DATA = (*of("data", DISPUTED), *of("package key", DISPUTED))
_FINGERPRINTS = (*of("fingerprint"), *of("root"))
_NO_FINGERPRINT = (*_FINGERPRINTS, *of("salt_f"), *of("exact digest"), *of("salt_exact"))
_CONTRACT = ("address of", "price of")
_TRADES = (
    *of("trade", TRADED),
    *of("transactions of the trade", TRADED),
    *of("times of the trade", TRADED),
    "that a trade was settled",
)
# Nobody else may learn of a trade; the buyer's address is public once he is an owner.
_PARTIES = (*_TRADES, "address of the seller", "address of the buyer")
_SEARCH = ("fingerprint of the sample", "answer to the search")
_NAME = ("name of the traders",)


def contracts(names: Names) -> Names:
    """Return the names of address and price of contracts."""
    return tuple(f"{what} {name}" for what in _CONTRACT for name in names)


def no(holder: str, names: Names, *, missing: str = "", says: str = "no") -> Cell:
    """Return the cell of somebody who learns nothing of it."""
    return Cell(says, (Check(holder, never=names),), missing)


def no_gateway(names: Names, *, says: str = "no", missing: str = "") -> Cell:
    """Return the cell of a gateway that learns nothing, not even of its own traders."""
    holders = ("own gateway", "other gateway", "member's gateway")
    return Cell(says, tuple(Check(holder, never=names) for holder in holders), missing)


_LISTED_WORDS = Check("other gateway", words(LISTED), (*words(PENDING), *of("salt_d", PENDING)))
_LISTED_CONTRACTS = Check("other gateway", (*contracts(LISTED), "address of the seller"), contracts(PENDING))

TABLE: dict[str, tuple[Cell, Cell, Cell, Cell, Cell]] = {
    "D (broker, undisputed)": (
        no("platform", _DATA),
        no("supervisor", _DATA),
        no("organisation", _DATA),
        no_gateway(_DATA),
        no("outsider", _DATA),
    ),
    "D (disputed; reseller: the platform owns it)": (
        no("platform", _DISPUTED_DATA, missing="the platform as a reseller"),
        Cell(
            "arbiter only, destroyed after",
            (Check("arbiter", of("data", DISPUTED), _DATA), Check("supervisor", never=_DISPUTED_DATA)),
        ),
        no("organisation", _DISPUTED_DATA),
        no_gateway(_DISPUTED_DATA),
        no("outsider", _DISPUTED_DATA),
    ),
    "fingerprint f": (
        Cell("yes", (Check("platform", _FINGERPRINTS),)),
        Cell("yes", (Check("supervisor", _FINGERPRINTS),)),
        Cell("commitment", (Check("organisation", of("c_f"), _NO_FINGERPRINT),)),
        no_gateway(_NO_FINGERPRINT),
        no("outsider", _NO_FINGERPRINT),
    ),
    "description d": (
        Cell("yes", (Check("platform", words(CONTRACTS)),)),
        Cell("yes", (Check("supervisor", words(CONTRACTS)),)),
        Cell("commitment", (Check("organisation", of("c_d"), (*words(CONTRACTS), *of("salt_d"))),)),
        # Its tables have contracts and trades as its peer has; descriptions are what they have besides.
        Cell("once listed", (_LISTED_WORDS, replace(_LISTED_WORDS, holder="member's gateway"))),
        Cell("once listed", (Check("outsider", _LISTED_WORDS.learns, _LISTED_WORDS.never),)),
    ),
    "contract, its owner's address, price": (
        Cell("yes", (Check("platform", (*contracts(CONTRACTS), "address of the seller")),)),
        Cell("yes", (Check("supervisor", (*contracts(CONTRACTS), "address of the seller")),)),
        Cell("yes", (Check("organisation", (*contracts(CONTRACTS), "address of the seller")),)),
        Cell("once listed", (_LISTED_CONTRACTS,)),
        Cell("once listed", (Check("outsider", _LISTED_CONTRACTS.learns, _LISTED_CONTRACTS.never),)),
    ),
    "trades: parties, times, states": (
        Cell("yes", (Check("platform", _PARTIES),)),
        Cell("yes", (Check("supervisor", _PARTIES),)),
        Cell("yes", (Check("organisation", _PARTIES),)),
        Cell("its own traders'", (Check("own gateway", _PARTIES), Check("other gateway", never=_TRADES))),
        no("outsider", _TRADES),
    ),
    "sample-search fingerprint, answers": (
        Cell("yes / sealed", (Check("platform", _SEARCH[:1], _SEARCH[1:]), Check("buyer", _SEARCH[1:]))),
        no("supervisor", _SEARCH),
        no("organisation", _SEARCH),
        no_gateway(_SEARCH),
        no("outsider", _SEARCH),
    ),
    "notices": (
        Cell("yes", (Check("platform", NOTICES),)),
        Cell(
            "on demand",
            (Check("supervisor", DIGESTS, NOTICES),),
            "a way to hand a notice to the supervisor: he gets entries and digests, and no notice",
        ),
        Cell("digest", (Check("organisation", DIGESTS, NOTICES),)),
        no_gateway(NOTICES),
        no("outsider", (*NOTICES, *DIGESTS)),
    ),
    "a trader's name": (
        no("platform", _NAME),
        no("supervisor", _NAME, says="under order, off the ledger", missing="orders of disclosure"),
        no("organisation", _NAME),
        no_gateway(_NAME, says="its own traders", missing="gateways that know their traders by name"),
        no("outsider", _NAME),
    ),
}

"""What a buyer was promised when he paid, kept from then on: no gateway can change it afterwards.

The commitments are those that the seller signed (`searches.show` has checked them), the arbiters those of the market
configuration of that moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from countermark.client.errors import GATEWAY_ANSWER, REFUSED_HERE, ClientError
from countermark.client.vault import Vault
from countermark.protocol import fields
from countermark.protocol.encoding import b64u, unb64u
from countermark.protocol.errors import ErrorCode, MarketError
from countermark.protocol.market import MarketConfig
from countermark.protocol.sealed import EncryptionKey

KIND = "trades"

_RECORD: Mapping[str, fields.Parser] = {
    "key": fields.text(400),
    "listing": fields.listing,
    "generators": fields.sequence(fields.name, shortest=1, longest=32),
    "seller": fields.address,
    "c_f": fields.digest,
    "c_exact": fields.digest,
    "arbiters": fields.mapping(fields.address, fields.encryption_key, longest=16),
}


@dataclass(frozen=True)
class Promise:
    """One trade: its one-time key, the contract's commitments, the seller, and the keys of those who may decide."""

    key: EncryptionKey = field(repr=False)
    listing: str
    generators: tuple[str, ...]
    """Those by which the contract's fingerprints are made."""
    seller: str
    c_f: str
    c_exact: str
    arbiters: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, key: EncryptionKey, listing: Mapping[str, Any], config: MarketConfig) -> Self:
        """Return what the resource ``listing`` and the market's configuration promise to whoever pays now."""
        return cls(
            key=key,
            listing=listing["address"],
            generators=tuple(listing["description"].get("generators") or (listing["generator"],)),
            seller=listing["owner"],
            c_f=listing["c_f"],
            c_exact=listing["c_exact"],
            arbiters={
                one.account: {"version": one.encryption_key.version, "key": one.encryption_key.key}
                for one in config.arbiters
            },
        )

    def check(self, trade: Mapping[str, Any]) -> None:
        """Check that the resource ``trade`` is still about what was paid for.

        Raises:
            ClientError: it names another seller, contract or commitment.
        """
        for name in ("listing", "seller", "c_f", "c_exact"):
            if trade.get(name) != getattr(self, name):
                raise ClientError(
                    ErrorCode.COMMITMENT_MISMATCH, f"the gateway shows another {name} than when the trade was paid"
                )

    def key_of(self, judge: Any) -> dict[str, Any]:
        """Return the encryption key of a trade's arbiter or substitute, as the market had it at payment.

        Raises:
            ClientError: he was none of the market's arbiters then.
        """
        try:
            return self.arbiters[judge["account"]]
        except (KeyError, TypeError) as error:
            raise ClientError(GATEWAY_ANSWER, "the gateway names an arbiter whom the market did not have") from error

    def keep(self, vault: Vault, trade: str) -> None:
        """Store this for ``trade``."""
        record = {name: getattr(self, name) for name in _RECORD if name != "key"}
        record["generators"] = list(self.generators)
        vault.put(KIND, trade, {**record, "key": b64u(self.key.to_bytes())})


def recall(vault: Vault, trade: str) -> Promise:
    """Return what was promised in ``trade``.

    Raises:
        ClientError: the trade was not paid from this home, or by an older version of this client.
    """
    record = vault.get(KIND, trade)
    if record is None:
        raise ClientError(REFUSED_HERE, "the one-time key of this trade is not in this home")
    try:
        if "generator" in record:
            # Earlier versions knew one.
            record["generators"] = [record.pop("generator")]
        known = fields.record(record, _RECORD)
        known["generators"] = tuple(known["generators"])
        return Promise(**{**known, "key": EncryptionKey.from_bytes(unb64u(known["key"]))})
    except MarketError as error:
        raise ClientError(REFUSED_HERE, "the record of this trade is not of this version's form") from error

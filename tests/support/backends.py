"""What the contract suite needs of a ledger, and the ledger in memory as the first that gives it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from countermark.audit.acts import Act
from countermark.chaincode.registry import handler
from countermark.chaincode.testing import Ledger, Result
from countermark.protocol.errors import MarketError
from tests.support.audited import audit


@dataclass(frozen=True)
class Committed:
    """A valid transaction: its id and the contract's answer."""

    tx_id: str
    answer: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.answer[name]


class Backend(Protocol):
    """A channel with the market's contracts. A refusal by a contract is raised as its `MarketError`.

    `unit` is the organisational unit in the certificate of the client that submits.
    """

    market: str
    """Channel/chaincode."""

    @property
    def now_ms(self) -> int:
        """The time of the next transaction: it stands still but for `wait`."""

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed: ...

    def evaluate(self, msp: str, function: str, *args: str) -> Any: ...

    def hold(self, msp: str, function: str, *args: str, transient: Mapping[str, bytes] | None = None) -> object:
        """Have a proposal endorsed, and keep the envelope back."""

    def release(self, envelope: object) -> str:
        """Submit a held envelope; returns its validation code."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class InMemory:
    """`countermark.chaincode.testing.Ledger` with the real contracts; time moves only by `wait`.

    Whatever they commit, the supervisor's audit must accept.
    """

    def __init__(self) -> None:
        self.ledger = Ledger(handler)
        self.market = "market/countermark"

    @property
    def now_ms(self) -> int:
        return self.ledger.now_ms

    def submit(
        self,
        msp: str,
        function: str,
        *args: str,
        transient: Mapping[str, bytes] | None = None,
        unit: str = "client",
    ) -> Committed:
        before = self.ledger.state
        result = self.ledger.invoke(msp, function, *args, transient=transient, certificate=certificate(unit))
        if not result.ok:
            assert self.ledger.state == before, "a refused transaction has written"
            raise _error(result)
        assert result.committed, result.validation
        act = audit(result, before, market=self.market, msp=msp, unit=unit)
        if act is not None:
            self.audited(act, before)
        return Committed(result.tx_id, json.loads(result.response.payload))

    def evaluate(self, msp: str, function: str, *args: str) -> Any:
        result = self.ledger.evaluate(msp, function, *args)
        if not result.ok:
            raise _error(result)
        assert not result.effects.writing
        return json.loads(result.response.payload)

    def hold(self, msp: str, function: str, *args: str, transient: Mapping[str, bytes] | None = None) -> object:
        result = self.ledger.endorse(msp, function, *args, transient=transient)
        if not result.ok:
            raise _error(result)
        return result

    def release(self, envelope: object) -> str:
        assert isinstance(envelope, Result)
        return self.ledger.commit(envelope)[0].validation

    def audited(self, act: Act, state: Mapping[str, bytes]) -> None:
        """Called with each act that the audit has accepted and the state before it."""

    def wait(self, seconds: float) -> None:
        self.ledger.now_ms += round(seconds * 1000)


@cache
def certificate(unit: str) -> bytes:
    """A client's certificate as a peer hands it on: its MSP has been checked, its unit has not."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "someone"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        ]
    )
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def _error(result: Result) -> MarketError:
    error = MarketError.from_json(result.response.message)
    assert error is not None, result.response.message
    return error

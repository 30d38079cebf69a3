"""Three organisations and an orderer with real keys, and transactions and blocks made by them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from countermark.network.blocks import (
    Block,
    ChannelConfig,
    Policy,
    SignedBy,
    all_of,
    any_of,
    build_block,
    parse_block,
    read_config,
    with_validation_codes,
)
from countermark.network.envelopes import (
    ChaincodeEvent,
    Outcome,
    Proposal,
    Response,
    assemble,
    build_proposal,
    build_response_payload,
    endorse,
    sign_payload,
)
from countermark.network.genesis import (
    Batch,
    ChannelDefinition,
    Consenter,
    Endpoint,
    OrdererOrganisation,
    PeerOrganisation,
    genesis_block,
)
from countermark.network.identities import Consortium, Material, Organisation, Role, SigningIdentity

CHANNEL, CHAINCODE = "market", "countermark"
NAMES = ("platform", "supervisor", "trader")
MARKET_POLICY: Policy = all_of(SignedBy("SupervisorMSP"), any_of(SignedBy("PlatformMSP"), SignedBy("TraderMSP")))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Network:
    """Key material of a whole consortium in one folder."""

    organisations: dict[str, Organisation]
    orderers: Organisation
    tls: Material

    @classmethod
    def create(cls, directory: Path) -> "Network":
        organisations = {}
        for name in NAMES:
            organisation = Organisation.create(directory / name, f"{name.capitalize()}MSP", f"{name}.example")
            organisation.issue("peer0", Role.PEER)
            organisation.issue("gateway", Role.CLIENT)
            organisation.issue("admin", Role.ADMIN)
            organisations[name] = organisation
        orderers = Organisation.create(directory / "orderer", "OrdererMSP", "orderer.example")
        orderers.issue("orderer0", Role.ORDERER)
        orderers.issue("admin", Role.ADMIN)
        tls = organisations["platform"].issue_tls("peer0", ["localhost", "127.0.0.1", "peer0.platform.example"])
        return cls(organisations, orderers, tls)

    def peer(self, name: str) -> SigningIdentity:
        return self.organisations[name].identity("peer0")

    def client(self, name: str = "platform") -> SigningIdentity:
        return self.organisations[name].identity("gateway")

    def admin(self, name: str) -> SigningIdentity:
        """The administrator of an organisation, "orderer" among them."""
        return (self.orderers if name == "orderer" else self.organisations[name]).identity("admin")

    @property
    def orderer(self) -> SigningIdentity:
        return self.orderers.identity("orderer0")

    @property
    def consortium(self) -> Consortium:
        return Consortium(organisation.msp for organisation in self.organisations.values())

    @property
    def config(self) -> ChannelConfig:
        return read_config(self.genesis())

    def definition(self) -> ChannelDefinition:
        tls_cert = self.orderers.issue_tls("orderer0", ["127.0.0.1"]).certificate_file.read_bytes()
        endpoint = Endpoint("127.0.0.1", 7050)
        return ChannelDefinition(
            channel=CHANNEL,
            organisations=tuple(
                PeerOrganisation(organisation.msp, (Endpoint("127.0.0.1", 7051 + index),))
                for index, organisation in enumerate(self.organisations.values())
            ),
            orderers=(OrdererOrganisation(self.orderers.msp, (endpoint,)),),
            consenters=(Consenter(endpoint, tls_cert, tls_cert),),
            batch=Batch(timeout_ms=200),
        )

    def genesis(self) -> Block:
        return parse_block(genesis_block(self.definition(), now_ms=now_ms()))

    def propose(self, function: str = "clock.tick", *args: bytes, client: str = "platform") -> Proposal:
        return build_proposal(
            self.client(client),
            CHANNEL,
            CHAINCODE,
            [function.encode(), *args],
            now_ms=now_ms(),
            transient={"s": b"x"},
        )

    def transaction(
        self,
        proposal: Proposal,
        *,
        endorsers: Sequence[str] = ("platform", "supervisor"),
        results: bytes = b"",
        client: str = "platform",
    ) -> bytes:
        """Return the signed envelope of `proposal` with endorsements by the peers of `endorsers`."""
        event = ChaincodeEvent(CHAINCODE, proposal.tx_id, proposal.invocation.function, b"{}")
        outcome = Outcome(Response(200, b"answer"), results, CHAINCODE, "1.0", event)
        payload = build_response_payload(proposal, outcome).serialized
        endorsements = [endorse(self.peer(name), payload) for name in endorsers]
        return sign_payload(self.client(client), assemble(proposal, payload, endorsements)).serialized

    def block(
        self, number: int, previous_hash: bytes, envelopes: Sequence[bytes], codes: Sequence[int] = ()
    ) -> Block:
        """Return the block that the orderer makes of `envelopes`, committed with `codes` (all valid by default)."""
        data = build_block(number, previous_hash, envelopes, last_config=0, orderer=self.orderer)
        return parse_block(with_validation_codes(data, codes or [0] * len(envelopes)))

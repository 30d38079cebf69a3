"""A peer takes a chaincode package."""

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.envelopes.wire import decode, encode
from tests.support.fabric.lifecycle.endorser import ask
from tests.support.fabric.package import Package
from tests.support.fabric.topology import Node


def install(peer: Node, package: Package) -> None:
    """Have `peer` install `package`; it must come to the same id."""
    args = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package.data)
    answer = ask(peer, "_lifecycle", [b"InstallChaincode", encode(args)])
    installed = decode(lifecycle_pb2.InstallChaincodeResult, answer, "result of an installation")
    assert installed.package_id == package.id

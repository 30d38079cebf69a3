"""A peer takes a chaincode package, and says which it has."""

from fabric_protos.peer.lifecycle import lifecycle_pb2

from countermark.network.envelopes.wire import decode, encode
from countermark.network.lifecycle.endorser import PeerAccess, ask
from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.package import Package


def installed(peer: PeerAccess) -> set[str]:
    """Return the ids of the packages that `peer` has.

    Raises:
        LifecycleError: It did not say.
    """
    args = encode(lifecycle_pb2.QueryInstalledChaincodesArgs())
    answer = ask(peer, "_lifecycle", [b"QueryInstalledChaincodes", args])
    result = decode(lifecycle_pb2.QueryInstalledChaincodesResult, answer, "installed chaincodes")
    return {one.package_id for one in result.installed_chaincodes}


def install(peer: PeerAccess, package: Package) -> None:
    """Have `peer` install `package`.

    Raises:
        LifecycleError: It refused, or made another id of it.
    """
    args = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package.data)
    answer = ask(peer, "_lifecycle", [b"InstallChaincode", encode(args)])
    result = decode(lifecycle_pb2.InstallChaincodeResult, answer, "result of an installation")
    if result.package_id != package.id:
        raise LifecycleError("wrong_package_id", f"{peer.address} calls {package.id} {result.package_id}")

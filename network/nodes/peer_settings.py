"""core.yaml: the settings without which a peer of Fabric 3.1 does not start or not serve, and no others."""

import json
from collections.abc import Sequence

from countermark.network.lifecycle.package import CLIENT_CERTIFICATE, CLIENT_KEY, ROOT_CERTIFICATE, address_variable
from countermark.network.nodes.external_builder import CONFIGURATION
from countermark.network.nodes.places import Places
from countermark.network.topology import Peer

_LARGEST = 100 * 1024 * 1024


def peer_settings(
    peer: Peer, msp_id: str, places: Places, *, network: str, bootstrap: Sequence[str], time_window_s: int
) -> dict[str, object]:
    """Return what stands in the core.yaml of `peer`.

    Args:
        peer: The peer.
        msp_id: Its organisation's.
        places: Where it finds its files.
        network: Name of the network, which keeps its nodes' gossip apart from others'.
        bootstrap: host:port of the organisation's peers, of which it hears of the others.
        time_window_s: How far a proposal's timestamp may be from the peer's clock.
    """
    address, listen = str(peer.endpoint), places.listen
    return {
        "peer": {
            "id": peer.name,
            "networkId": network,
            "listenAddress": f"{listen}:{peer.port}",
            "address": address,
            "chaincodeListenAddress": f"{listen}:{peer.listener}",
            "localMspId": msp_id,
            "mspConfigPath": places.msp,
            "fileSystemPath": places.data,
            "tls": {
                "enabled": True,
                "cert": {"file": places.tls_certificate},
                "key": {"file": places.tls_key},
                "rootcert": {"file": places.tls_ca},
            },
            "authentication": {"timewindow": f"{time_window_s}s"},
            "handlers": {
                "authFilters": [{"name": name} for name in ("DefaultAuth", "ExpirationCheck", "TimeWindowCheck")],
                "decorators": [{"name": "DefaultDecorator"}],
                "endorsers": {"escc": {"name": "DefaultEndorsement"}},
                "validators": {"vscc": {"name": "DefaultValidation"}},
            },
            "gateway": {
                "enabled": True,
                "endorsementTimeout": "20s",
                "broadcastTimeout": "10s",
                "dialTimeout": "10s",
            },
            "discovery": {"enabled": True, "authCacheEnabled": False},
            "gossip": {
                "bootstrap": " ".join(bootstrap),
                "endpoint": address,
                "externalEndpoint": address,
                "orgLeader": True,
                "useLeaderElection": False,
                # What a chaincode's definition changes is known to the other peers when this has come round. Each
                # round costs every peer a signature of each of the others to check.
                "publishStateInfoInterval": "500ms",
                "requestStateInfoInterval": "1s",
                "reconnectInterval": "1s",
                "aliveTimeInterval": "1s",
                # Left out, these are 0: no endorser would wait for the second keeper of a private value.
                "pvtData": {
                    "pushAckTimeout": "3s",
                    "pullRetryThreshold": "10s",
                    "transientstoreMaxBlockRetention": 20_000,
                    "reconciliationEnabled": True,
                },
            },
            "deliveryclient": {"reconnectTotalTimeThreshold": "1h", "minimalReconnectInterval": "100ms"},
            "limits": {
                "concurrency": {"endorserService": 2500, "deliverService": 2500, "gatewayService": 500},
            },
            "maxRecvMsgSize": _LARGEST,
            "maxSendMsgSize": _LARGEST,
            "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        },
        # Otherwise the health check looks for a Docker engine.
        "vm": {"endpoint": ""},
        "chaincode": {
            "mode": "net",
            "externalBuilders": [
                {"name": "service", "path": places.builder, "propagateEnvironment": [CONFIGURATION]},
            ],
            "installTimeout": "30s",
            "startuptimeout": "30s",
            "executetimeout": "5s",
            "system": dict.fromkeys(("_lifecycle", "cscc", "lscc", "qscc"), "enable"),
            "logging": {"level": "warning", "shim": "warning"},
            # Left out, these are off, and a contract asks its peer for one key after the other.
            "runtimeParams": {
                "useWriteBatch": True,
                "maxSizeWriteBatch": 1000,
                "useGetMultipleKeys": True,
                "maxSizeGetMultipleKeys": 1000,
            },
        },
        "ledger": {
            "state": {"stateDatabase": "goleveldb", "totalQueryLimit": 100_000},
            "history": {"enableHistoryDatabase": True},
            # Left out, what a contract has purged would stay in the store of private data for up to 100 blocks.
            "pvtdataStore": {"purgeInterval": 1},
            "snapshots": {"rootDir": f"{places.data}/snapshots"},
        },
        "operations": {"listenAddress": f"{listen}:{peer.operations}"},
        "metrics": {"provider": "prometheus"},
    }


def chaincode_environment(peer: Peer, places: Places, *, host: str) -> dict[str, str]:
    """Return what the external builder is to put into a package's connection.json for `peer`.

    Args:
        peer: The peer, which shows its own TLS certificate to the chaincode server.
        places: Where it finds its files.
        host: Where its chaincode servers are.
    """
    document = {
        **{address_variable(sequence): f"{host}:{port}" for sequence, port in enumerate(peer.chaincode, start=1)},
        CLIENT_CERTIFICATE: places.tls_certificate,
        CLIENT_KEY: places.tls_key,
        ROOT_CERTIFICATE: places.tls_ca,
    }
    return {CONFIGURATION: json.dumps(document)}

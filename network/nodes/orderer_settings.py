"""orderer.yaml: the settings without which an orderer of Fabric 3 does not start, and no others."""

from countermark.network.nodes.places import Places
from countermark.network.topology import Orderer

_LARGEST = 100 * 1024 * 1024


def orderer_settings(orderer: Orderer, msp_id: str, places: Places) -> dict[str, object]:
    """Return what stands in the orderer.yaml of `orderer`."""
    tls = {
        "Enabled": True,
        "Certificate": places.tls_certificate,
        "PrivateKey": places.tls_key,
        "RootCAs": [places.tls_ca],
        "ClientRootCAs": [places.tls_ca],
    }
    return {
        "General": {
            "ListenAddress": places.listen,
            "ListenPort": orderer.port,
            "LocalMSPID": msp_id,
            "LocalMSPDir": places.msp,
            "BootstrapMethod": "none",
            "TLS": {**tls, "ClientAuthRequired": False},
            "Keepalive": {"ServerMinInterval": "10s", "ServerInterval": "60s", "ServerTimeout": "20s"},
            "Cluster": {
                "ClientCertificate": places.tls_certificate,
                "ClientPrivateKey": places.tls_key,
                "SendBufferSize": 100,
            },
            "Authentication": {"TimeWindow": "15m"},
            "MaxRecvMsgSize": _LARGEST,
            "MaxSendMsgSize": _LARGEST,
            "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        },
        "FileLedger": {"Location": f"{places.data}/ledger"},
        "Consensus": {"WALDir": f"{places.data}/wal", "SnapDir": f"{places.data}/snapshots"},
        "ChannelParticipation": {"Enabled": True, "MaxRequestBodySize": "1 MB"},
        # Whoever may join channels shows a certificate.
        "Admin": {"ListenAddress": f"{places.listen}:{orderer.admin}", "TLS": {**tls, "ClientAuthRequired": True}},
        "Operations": {"ListenAddress": f"{places.listen}:{orderer.operations}"},
        "Metrics": {"Provider": "prometheus"},
    }

"""What fabric-sdk-py does with the market's ledger; runs in its own environment and imports nothing of ours.

Reads from standard input {"connections": {organisation: connection file}, "orderers": {name: {"address",
"tls_ca_file", "host_override"}}, "submitter", "endorsers", "function", "args"}; submits the transaction to the
endorsing organisations, waits for its event, asks the peer for its block, and prints {"result", "tx_id", "height",
"channels", "writes": {key: value}, "endorsers": [msp id]}.
"""

import asyncio
import json
import sys
from pathlib import Path

from hfc.fabric import Client
from hfc.fabric.orderer import Orderer
from hfc.fabric.peer import Peer
from hfc.fabric.user import create_user
from hfc.util.keyvaluestore import FileKeyValueStore


def text(value):
    """Return what the library decodes to text or to bytes, as text."""
    return value.decode() if isinstance(value, bytes) else str(value)


async def main(asked, connections, folder):
    client = Client()
    peers = {}
    for name, one in connections.items():
        options = [("grpc.ssl_target_name_override", one["host_override"])] if one["host_override"] else []
        peers[name] = Peer(name, one["gateway"], tls_ca_cert_file=one["tls_ca_file"], opts=options)
    for name, one in asked["orderers"].items():
        options = [("grpc.ssl_target_name_override", one["host_override"])] if one["host_override"] else []
        client._orderers[name] = Orderer(name, one["address"], tls_ca_cert_file=one["tls_ca_file"], opts=options)
    own = connections[asked["submitter"]]
    user = create_user(
        "client", asked["submitter"], FileKeyValueStore(folder), own["msp_id"], own["key_file"], own["cert_file"]
    )
    channel = own["channel"]
    client.new_channel(channel)
    endorsers = [peers[name] for name in asked["endorsers"]]
    result = await client.chaincode_invoke(
        requestor=user,
        channel_name=channel,
        peers=endorsers,
        cc_name=own["chaincode"],
        fcn=asked["function"],
        args=asked["args"],
        wait_for_event=True,
    )
    tx_id = client.evt_tx_id
    (peer, *_) = endorsers
    block = await client.query_block_by_txid(user, channel, [peer], tx_id)
    info = await client.query_info(user, channel, [peer])
    # What does not concern one channel, a peer tells members of its own organisation alone.
    channels = await client.query_channels(user, [peers[asked["submitter"]]])
    same = await client.query_block(user, channel, [peer], str(block["header"]["number"]))
    assert same["header"] == block["header"]
    processed = await client.query_transaction(user, channel, [peer], tx_id)
    assert processed["validation_code"] == 0, processed["validation_code"]
    (envelope,) = [
        one for one in block["data"]["data"] if one["payload"]["header"]["channel_header"]["tx_id"] == tx_id
    ]
    action = envelope["payload"]["data"]["actions"][0]["payload"]["action"]
    written = action["proposal_response_payload"]["extension"]["results"]["ns_rwset"]
    return {
        "result": result,
        "tx_id": tx_id,
        "block": block["header"]["number"],
        "height": info.height,
        "channels": [one.channel_id for one in channels.channels],
        "writes": {text(write["key"]): text(write["value"]) for one in written for write in one["rwset"]["writes"]},
        "endorsers": [text(one["endorser"]["mspid"]) for one in action["endorsements"]],
    }


if __name__ == "__main__":
    request = json.load(sys.stdin)
    files = {name: json.loads(Path(path).read_text()) for name, path in request["connections"].items()}
    print(json.dumps(asyncio.run(main(request, files, sys.argv[1]))))

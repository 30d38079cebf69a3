"""An orderer joins a channel: its administration interface takes the genesis block over mutual TLS."""

import ssl

import httpx

from tests.support.fabric.topology import Node


def join(orderer: Node, genesis: bytes) -> None:
    """Have `orderer` serve the channel that begins with `genesis`."""
    context = ssl.create_default_context(cafile=str(orderer.organisation.tls_ca_file))
    context.load_cert_chain(str(orderer.tls.certificate_file), str(orderer.tls.key_file))
    answer = httpx.post(
        f"https://{orderer.address('admin')}/participation/v1/channels",
        files={"config-block": ("genesis.block", genesis)},
        verify=context,
        trust_env=False,
    )
    assert answer.status_code == httpx.codes.CREATED, answer.text

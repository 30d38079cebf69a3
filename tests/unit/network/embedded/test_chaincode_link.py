"""A peer's connection to a chaincode server that is away."""

import asyncio
from pathlib import Path

from countermark.network.embedded.chaincode.link import ChaincodeLink, ChaincodeServer
from countermark.network.embedded.material import generate

NOBODY = "127.0.0.1:1"


def _server(directory: Path) -> ChaincodeServer:
    files = generate(directory).chaincode_files("platform")
    return ChaincodeServer(
        address=NOBODY,
        host_override="chaincode.platform.example",
        package_id="countermark:1.0",
        root_certificate=files.client_ca.read_bytes(),
        certificate=files.certificate.read_bytes(),
        key=files.key.read_bytes(),
    )


def test_it_stops_at_any_moment_of_dialling(tmp_path: Path) -> None:
    """gRPC swallows a cancellation that meets a failing call, some milliseconds after its start."""
    server = _server(tmp_path)

    async def start_and_stop() -> None:
        for step in range(120):
            links = [ChaincodeLink("PlatformMSP", server) for _ in range(4)]
            for link in links:
                link.start()
            # No synchronisation: the moment is what varies.
            await asyncio.sleep(step * 0.0003)
            async with asyncio.timeout(10):
                await asyncio.gather(*(link.stop() for link in links))
            assert not any(link.ready for link in links)

    asyncio.run(start_and_stop())

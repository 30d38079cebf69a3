"""Data far larger than the memory it may take, on the way from seller to buyer, and what befalls it there.

Whatever it is, the buyer's file appears under its name whole and right, or not at all; the same command goes on where
it was stopped; and nobody's memory grows with the data: not the seller's, the gateway's, the worker's or the buyer's.
"""

import filecmp
import os
import shutil
import signal
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support import figures
from tests.support.full_disk import full_beyond
from tests.support.large_data import MIB, Deal, agree, write_data
from tests.support.s3_server import ENVIRONMENT, S3Server
from tests.support.sizes import size
from tests.support.tcp_proxy import TcpProxy, Way
from tests.support.watched_folder import WatchedFolder, watched
from tests.support.whole_platform import Platform

SIZE = size(64, 8192) * MIB
SIZE_IN_BUCKET = size(64, 1024) * MIB

GROWTH = 40 * MIB
"""How much more memory a process may take for the data than without: pieces of some MiB, and what lies unused."""


@dataclass
class Road:
    """A trade in FUNDED, and the way between its parties and the gateway."""

    deal: Deal
    proxy: TcpProxy
    without: int
    """The most memory that a command takes which does all but move a package, in bytes."""
    platform_before: dict[str, int]
    """The most that the platform's processes took before the package came."""
    bought: Path

    @property
    def package(self) -> Path:
        """Where the buyer's command keeps the package until it is open."""
        return self.deal.buyer.home / "countermark" / "downloads" / f"{self.deal.trade}.package"

    def receive(self, status: int = 0, **options: object) -> dict[str, object]:
        return self.deal.buyer.run(
            "trade", "receive", self.deal.trade, "-o", str(self.bought), status=status, **options
        )

    def report(self, what: str, *names: str) -> None:
        """Check that nobody's memory has grown, and show by how much it has at most."""
        before, after = self.platform_before, self.deal.memory()
        grown = {name: after[name] - before[name] for name in after}
        grown["seller"] = self.deal.seller.peaks["trade send"] - self.without
        grown["buyer"] = self.deal.buyer.peaks.get("trade receive", self.without) - self.without
        shown = ", ".join(f"{name} {max(grown[name], 0) >> 20}" for name in grown)
        length = self.deal.data.stat().st_size >> 20
        figures.show(f"package stream, {what}, {length} MiB: memory grew by at most, in MiB: {shown}")
        assert max(grown.values()) < GROWTH, shown


@contextmanager
def road(length: int, **environment: str) -> Iterator[Road]:
    folder = Path(tempfile.mkdtemp(prefix="countermark-stream-"))
    platform = Platform(folder / "data", environment=environment)
    platform.start()
    proxy = TcpProxy(("127.0.0.1", urlsplit(platform.url).port or 0))
    try:
        deal = agree(folder, platform, write_data(folder / "photo.jpg", length), url=proxy.https_url)
        (folder / "bought").mkdir()
        small = write_data(folder / "small.jpg", MIB)
        deal.seller.peaks.clear()
        deal.seller.run("listing", "create", str(small), "--price", "1", "--dry-run")
        without = deal.seller.peaks["listing create"]
        # The store's library, where there is one, is there from the first question on.
        context = ssl.create_default_context(cafile=str(platform.ca_file))
        assert httpx.get(f"{platform.url}/readyz", verify=context, timeout=60).status_code == 200
        yield Road(deal, proxy, without, deal.memory(), folder / "bought" / "photo.jpg")
    finally:
        proxy.close()
        assert platform.stop() == 0
        platform.discard()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def funded() -> Iterator[Road]:
    with road(SIZE) as made:
        yield made


def cancel_upload(road: Road, after: int) -> None:
    """Let the seller's command end by Ctrl-C when so many bytes have left."""
    seller = road.deal.seller
    road.proxy.turn_after("up", after, Way.STALLED)
    process = seller.start("trade", "send", road.deal.trade)
    road.proxy.wait_for(Way.STALLED)
    assert '"interrupted"' in seller.interrupt(process)
    road.proxy.turn(Way.OPEN)


@pytest.fixture(scope="module")
def sent(funded: Road) -> Road:
    """The trade in SENT, after an upload that was cancelled and met a full disk at the relay."""
    seller, trade, proxy = funded.deal.seller, funded.deal.trade, funded.proxy
    cancel_upload(funded, SIZE // 4)
    with full_beyond(SIZE // 2, *funded.deal.gateways):
        assert seller.run("trade", "send", trade, status=1)["error"]["code"] == "store_unavailable"
    before = proxy.passed["up"]
    seller.run("trade", "send", trade)
    # What was there was not sent again: half of it, less a piece, and somewhat for TLS and headers.
    assert proxy.passed["up"] - before < SIZE * 5 // 8
    funded.deal.buyer.run("trade", "wait", trade, "SENT")
    return funded


def test_an_upload_that_is_cancelled_or_meets_a_full_disk_goes_on_in_constant_memory(sent: Road) -> None:
    sent.report("upload, cancelled and on a full disk")


@pytest.fixture
def folder(sent: Road) -> Iterator[WatchedFolder]:
    """The folder of what was bought, in which nothing is left however a command has ended."""
    with watched(sent.bought.parent) as folder:
        yield folder
    if not sent.bought.exists():
        assert list(sent.bought.parent.iterdir()) == []


def relayed(road: Road) -> Path:
    """The package as the relay holds it."""
    (path,) = (road.deal.platform.data / "objects" / "packages" / road.deal.trade).iterdir()
    return path


@contextmanager
def changed(path: Path, *, cut: int = 0, appended: bytes = b"") -> Iterator[None]:
    """Take bytes of a file's end away, or add some, for a while."""
    length = path.stat().st_size
    with path.open("rb+") as file:
        file.seek(length - cut)
        end = file.read()
        file.truncate(length - cut)
        file.seek(0, os.SEEK_END)
        file.write(appended)
    try:
        yield
    finally:
        with path.open("rb+") as file:
            file.truncate(length - cut)
            file.seek(0, os.SEEK_END)
            file.write(end)


def flip(path: Path, at: int) -> None:
    with path.open("rb+") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_a_download_that_is_killed_or_meets_a_full_disk_goes_on(sent: Road, folder: WatchedFolder) -> None:
    buyer, proxy = sent.deal.buyer, sent.proxy
    proxy.turn_after("down", SIZE // 4, Way.STALLED)
    process = buyer.start("trade", "receive", sent.deal.trade, "-o", str(sent.bought))
    proxy.wait_for(Way.STALLED)
    buyer.interrupt(process, signal.SIGKILL)
    proxy.turn(Way.OPEN)
    kept = sent.package.stat().st_size
    assert 0 < kept < SIZE // 2
    assert sent.receive(status=1, largest_file=SIZE // 2)["error"]["code"] == "file"
    assert sent.package.stat().st_size == SIZE // 2
    assert folder.events() == []
    # A relay that has lost the end sends what it has, and says then that there is no more.
    with changed(relayed(sent), cut=MIB):
        assert sent.receive(status=3)["error"]["code"] == "not_found"
    assert sent.package.stat().st_size == relayed(sent).stat().st_size - MIB
    assert folder.events() == []


@pytest.mark.parametrize("harm", ["flipped", "appended"])
def test_a_package_that_was_tampered_with_becomes_no_file(sent: Road, folder: WatchedFolder, harm: str) -> None:
    shutil.copyfile(relayed(sent), sent.package)
    if harm == "flipped":
        flip(sent.package, SIZE * 7 // 8)
    else:
        with sent.package.open("ab") as file:
            file.write(b"x")
    error = sent.receive(status=3)["error"]
    assert error["code"] == {"flipped": "package_root_mismatch", "appended": "package_malformed"}[harm]
    # It may be this copy alone, so it is fetched anew; until then nothing has, or ever had, the name.
    assert not sent.package.exists()
    assert folder.of(sent.bought.name) == []


def test_plaintext_that_meets_a_full_disk_is_removed(sent: Road, folder: WatchedFolder) -> None:
    shutil.copyfile(relayed(sent), sent.package)
    assert sent.receive(status=1, largest_file=SIZE // 2)["error"]["code"] == "file"
    assert sent.package.exists()
    assert folder.of(sent.bought.name) == []
    assert len(folder.events()) > 2


def test_plaintext_whose_writer_was_killed_goes_with_the_next_try_which_ends_well(sent: Road) -> None:
    buyer, data = sent.deal.buyer, sent.deal.data
    if not sent.package.exists():
        shutil.copyfile(relayed(sent), sent.package)
    with watched(sent.bought.parent) as folder:
        half = {"HOLD_AFTER": str(SIZE // 2)}
        process = buyer.start("trade", "receive", sent.deal.trade, "-o", str(sent.bought), **half)
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        buyer.interrupt(process, signal.SIGKILL)
        (partial,) = sent.bought.parent.iterdir()
        assert SIZE // 4 < partial.stat().st_size < SIZE
        sent.package.unlink()  # so that all of it comes by the wire once
        # Bytes behind the package's end never leave the relay.
        with changed(relayed(sent), appended=b"more"):
            assert sent.receive()["verdict"] == "match"
        assert list(sent.bought.parent.iterdir()) == [sent.bought]
        # It got its name when it was whole: by a link, and nobody wrote to it afterwards.
        assert folder.of(sent.bought.name) == ["created"]
        assert "modified" in folder.of(partial.name)
    assert filecmp.cmp(sent.bought, data, shallow=False)
    sent.report("download, killed, on a full disk and tampered with")


def test_on_a_bucket_a_package_goes_on_where_it_was_stopped_in_constant_memory(s3_server: S3Server) -> None:
    location = s3_server.location()
    url = f"s3://{location.bucket}/{location.prefix}?endpoint={location.endpoint}&region={location.region}"
    with road(SIZE_IN_BUCKET, OBJECTS_URL=url) as made:
        deal, proxy = made.deal, made.proxy
        found = deal.seller.run("doctor", "--data", str(deal.platform.data), **ENVIRONMENT)["findings"]
        assert {"subject": "object store", "verdict": "ok", "detail": url} in found
        while not s3_server.keys(location):  # until the worker, too, has used the store for the first time
            deal.buyer.run("trade", "show", deal.trade)
        made.platform_before = deal.memory()
        cancel_upload(made, SIZE_IN_BUCKET // 2)
        before = proxy.passed["up"]
        deal.seller.run("trade", "send", deal.trade)
        assert proxy.passed["up"] - before < SIZE_IN_BUCKET * 5 // 8
        deal.buyer.run("trade", "wait", deal.trade, "SENT")
        assert sum(s3_server.keys(location).values()) > SIZE_IN_BUCKET
        assert list((deal.platform.data / "objects").glob("*")) == []
        assert made.receive()["verdict"] == "match"
        assert filecmp.cmp(made.bought, deal.data, shallow=False)
        made.report("in a bucket")

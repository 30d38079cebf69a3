"""Packages over connections that break: every byte arrives once, in constant memory, or there is an error."""

import os
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from countermark.client import transfers
from countermark.client.errors import ClientError
from countermark.client.transfers import RESUMES, download, upload
from tests.support.https_server import DROP, Answer, Request, Script, problem
from tests.unit.client.conftest import Serve, connect

PATH = "/v1/trades/t/package"


@dataclass
class Relay(Script):
    """A gateway's package resource; `faults` are answered, by their turn, instead of or after the real one."""

    data: bytes = b""
    faults: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.turn = 0

    def answer(self, request: Request) -> Answer:
        self.turn += 1
        fault = self.faults.get(self.turn, "")
        if fault.startswith("refuse"):
            return problem(int(fault[6:]), "busy", retryable=True)
        answer = {"HEAD": self._head, "PUT": self._put, "GET": self._get}[request.method](request)
        if fault == "drop":
            return DROP
        if fault.startswith("cut"):
            answer.cut = int(fault[3:])
        return answer

    def _head(self, _: Request) -> Answer:
        if not self.data:
            return problem(404, "not_found")
        return Answer(200, b"", {"Upload-Offset": str(len(self.data))})

    def _put(self, request: Request) -> Answer:
        start, total = request.headers["Content-Range"].removeprefix("bytes ").replace("-", "/").split("/")[::2]
        if int(start) != len(self.data):
            return problem(409, "upload_offset")
        self.data += request.body
        return Answer(201 if len(self.data) == int(total) else 200, {"received": len(self.data)})

    def _get(self, request: Request) -> Answer:
        if "Range" not in request.headers:
            return Answer(200, self.data)
        start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        rest = {"Content-Range": f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"}
        return Answer(206, self.data[start:], rest)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "PIECE_BYTES", 1000)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "package"
    path.write_bytes(os.urandom(4500))
    return path


UPLOADS: dict[str, dict[int, str]] = {
    "nothing happens": {},
    "the gateway is busy": {2: "refuse503", 4: "refuse503"},
    "the answer to a piece is lost": {3: "drop"},
    "the answer to the last piece is lost": {6: "drop"},
    "the answer to the first question is lost": {1: "drop"},
}


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_arrives_whole_when(name: str, serve: Serve, package: Path) -> None:
    relay = Relay(faults=dict(UPLOADS[name]))
    _, server = serve(script=relay)
    seen: list[tuple[int, int]] = []
    upload(connect(server), PATH, package, lambda done, total: seen.append((done, total)))
    assert relay.data == package.read_bytes()
    assert seen[-1] == (4500, 4500)
    assert seen == sorted(seen)


def test_an_upload_goes_on_where_an_earlier_one_stopped(serve: Serve, package: Path) -> None:
    relay = Relay(data=package.read_bytes()[:2300])
    _, server = serve(script=relay)
    upload(connect(server), PATH, package)
    assert relay.data == package.read_bytes()
    first = next(one for one in relay.requests if one.method == "PUT")
    assert first.headers["Content-Range"] == "bytes 2300-3299/4500"


def test_what_has_arrived_is_not_sent_again(serve: Serve, package: Path) -> None:
    relay = Relay(data=package.read_bytes())
    _, server = serve(script=relay)
    upload(connect(server), PATH, package)
    assert [one.method for one in relay.requests] == ["HEAD"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"received": 0}, {"Upload-Offset": "0"}),
        Answer(200, {}, {"Upload-Offset": "0"}),
        Answer(200, {"received": "1000"}),
        Answer(200, {"received": 9999}),
        Answer(200, {"received": -1}),
        Answer(200, {"received": 10}, {"Upload-Offset": "9999"}),
        Answer(200, {"received": 10}, {"Upload-Offset": "many"}),
    ],
    ids=str,
)
def test_a_gateway_that_keeps_nothing_or_talks_nonsense_ends_the_upload(
    serve: Serve, package: Path, answer: Answer
) -> None:
    script, server = serve(answer)
    with pytest.raises(ClientError) as caught:
        upload(connect(server), PATH, package)
    assert caught.value.code == "gateway_answer"
    assert len(script.requests) <= 2 * RESUMES + 2


def test_a_refused_package_is_not_sent_on(serve: Serve, package: Path) -> None:
    script, server = serve(Answer(200, b"", {"Upload-Offset": "0"}), problem(409, "package_root_mismatch"))
    with pytest.raises(ClientError) as caught:
        upload(connect(server), PATH, package)
    assert caught.value.code == "package_root_mismatch"
    assert len(script.requests) == 2


DOWNLOADS: dict[str, dict[int, str]] = {
    "nothing happens": {},
    "it is cut once": {1: "cut1700"},
    "it is cut again and again": dict.fromkeys(range(1, 12), "cut300"),
    "no answer comes at first": {1: "drop", 2: "refuse503"},
}


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_download_arrives_whole_when(name: str, serve: Serve, package: Path, tmp_path: Path) -> None:
    relay = Relay(data=package.read_bytes(), faults=dict(DOWNLOADS[name]))
    _, server = serve(script=relay)
    download(connect(server), PATH, tmp_path / "out", 4500)
    assert (tmp_path / "out").read_bytes() == package.read_bytes()


def test_a_download_goes_on_where_an_earlier_one_stopped(serve: Serve, package: Path, tmp_path: Path) -> None:
    relay = Relay(data=package.read_bytes())
    _, server = serve(script=relay)
    (tmp_path / "out").write_bytes(package.read_bytes()[:4000])
    download(connect(server), PATH, tmp_path / "out", 4500)
    assert (tmp_path / "out").read_bytes() == package.read_bytes()
    assert [one.headers["Range"] for one in relay.requests] == ["bytes=4000-"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, b"0" * 4600), "gateway_answer"),  # more than there is must not fill the disk
        (Answer(200, b""), "gateway_answer"),
        (DROP, "gateway_silent"),
        (problem(409, "package_not_released"), "package_not_released"),
    ],
    ids=str,
)
def test_a_download_that_cannot_end_is_an_error(serve: Serve, tmp_path: Path, answer: Answer, code: str) -> None:
    script, server = serve(answer)
    with pytest.raises(ClientError) as caught:
        download(connect(server), PATH, tmp_path / "out", 4500)
    assert caught.value.code == code
    assert len(script.requests) <= RESUMES
    assert (tmp_path / "out").stat().st_size <= 4500


def test_a_download_takes_constant_memory(serve: Serve, tmp_path: Path) -> None:
    size = 48 << 20
    _, server = serve(Answer(200, bytes(size)))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    download(connect(server), PATH, tmp_path / "out", size)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert (tmp_path / "out").stat().st_size == size
    assert peak < size / 4

"""Whether a gateway answers, as its container asks."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from countermark.gateway import healthcheck
from countermark.network.identities.authorities import CertificateAuthority
from tests.support.https_server import DROP, Answer, HttpsServer, Script
from tests.unit.gateway.test_gateway_config import DOCUMENT


@pytest.fixture
def script() -> Script:
    return Script(Answer(body={"status": "ok"}))


@pytest.fixture
def server(script: Script, tmp_path: Path) -> Iterator[HttpsServer]:
    server = HttpsServer(script, tmp_path)
    yield server
    server.stop()


def configured(folder: Path, url: str, *, certificate: str = "gateway.pem", host: str = "127.0.0.1") -> str:
    """The configuration of the gateway at `url`, which has the certificate of that name."""
    port = int(url.rpartition(":")[2])
    document = DOCUMENT | {"host": host, "port": port, "tls_cert_file": str(folder / certificate)}
    file = folder / "config.json"
    file.write_text(json.dumps(document))
    return str(file)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - it is dialled, not listened on
def test_a_gateway_that_answers_is_healthy(server: HttpsServer, script: Script, tmp_path: Path, host: str) -> None:
    """Whatever names its certificate has, and on whatever addresses it listens."""
    assert healthcheck.main(["--config", configured(tmp_path, server.url, host=host)]) == 0
    (request,) = script.requests
    assert (request.method, request.path) == ("GET", "/healthz")


def test_somebody_with_another_certificate_is_not_the_gateway(
    server: HttpsServer, script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = CertificateAuthority.create("tlsca", "other.example")
    (tmp_path / "other.pem").write_bytes(authority.issue_tls("gateway", ["127.0.0.1"]).certificate_pem)
    assert healthcheck.main(["--config", configured(tmp_path, server.url, certificate="other.pem")]) == 1
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
    assert not script.requests


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(status=503), DROP], ids=["500", "503", "none"])
def test_another_answer_is_not_healthy(server: HttpsServer, script: Script, tmp_path: Path, answer: Answer) -> None:
    script.answers = [answer]
    assert healthcheck.main(["--config", configured(tmp_path, server.url)]) == 1


def test_a_gateway_that_hangs_is_not_healthy(
    server: HttpsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its socket still takes connections."""
    monkeypatch.setattr(healthcheck, "ANSWER_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert healthcheck.main(["--config", configured(tmp_path, f"https://127.0.0.1:{port}")]) == 1
    assert "no answer" in capsys.readouterr().err


def test_a_configuration_that_cannot_be_read_is_not_healthy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert healthcheck.main(["--config", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err


def test_it_runs_as_a_container_runs_it(server: HttpsServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "countermark.gateway.healthcheck"],
        env={**os.environ, "COUNTERMARK_GATEWAY_CONFIG": configured(tmp_path, server.url)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")

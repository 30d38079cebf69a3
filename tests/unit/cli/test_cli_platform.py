"""`countermark platform`: what containers get, of what kind the files are, and what a second run leaves alone."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from countermark.cli.platform.certificate import LEAST, gateway_certificate
from countermark.cli.platform.configuration import LOCAL, PORT
from countermark.cli.platform.network import neighbour
from countermark.gateway import config, keys
from countermark.network.client import ConnectionProfile
from countermark.network.embedded.material import generate
from countermark.network.identities import SigningIdentity
from countermark.network.identities.authorities import LEAF_VALIDITY
from countermark.network.identities.certificates import load_certificate
from tests.support.command_line import Result
from tests.support.pages import ROOT
from tests.unit.cli.conftest import Run

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SECRETS = {"database-password", "gateway.json", "keys.json", "ledger-key.pem", "tls-key.pem"}


@pytest.fixture
def connections(tmp_path: Path) -> list[Path]:
    """Connection files of platform and supervisor, with addresses as containers have them."""
    network = tmp_path / "network"
    generate(network)
    return [connection(network, name, f"peer0.{name}.example:7051") for name in ("platform", "supervisor")]


def connection(network: Path, name: str, gateway: str, *, channel: str = "market") -> Path:
    folder = network / "organisations" / name
    identity = folder / "identities" / "gateway"
    tls_ca, msp_id = folder / "tlsca" / "cert.pem", f"{name.capitalize()}MSP"
    file = network / f"{name}-{channel}.json"
    made = ConnectionProfile(
        msp_id, channel, "countermark", gateway, "", tls_ca, identity / "cert.pem", identity / "key.pem"
    )
    file.write_text(made.dumps())
    return file


@pytest.fixture
def prepare(run: Run, tmp_path: Path, connections: list[Path]) -> Callable[..., Result]:
    def prepare(*options: object, files: list[Path] | None = None) -> Result:
        named = [word for file in files or connections for word in ("--connection", file)]
        where = ["--platform", tmp_path / "platform", "--ledger", "ledger"]
        return run("--json", "platform", "prepare", *where, *named, *options)

    return prepare


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_container(folder: Path, text: str) -> Path:
    """Where the file that a container knows as `text` is on the host."""
    for inside, outside in {"/run/secrets": "secrets", "/etc/countermark": "public"}.items():
        text = text.replace(inside, str(folder / outside))
    return Path(text)


def test_gateway_and_worker_can_read_what_is_made(prepare: Callable[..., Result], tmp_path: Path) -> None:
    assert prepare("--faucet").status == 0
    folder = tmp_path / "platform"
    loaded = config.load(folder / "secrets" / "gateway.json", {})
    assert (loaded.market, loaded.host, loaded.port, loaded.faucet) == ("market/countermark", "0.0.0.0", 8443, True)  # noqa: S104
    assert keys.load(in_container(folder, str(loaded.keys_file))).issuer is not None
    password = (folder / "secrets" / "database-password").read_text()
    assert loaded.database_url == f"postgresql+psycopg2://countermark:{password}@database/countermark"
    # All speak as the platform's own member, whose key is the only one that a container has.
    found = [ConnectionProfile.load(in_container(folder, str(path))) for path in loaded.connections]
    assert [one.msp_id for one in found] == ["PlatformMSP", "SupervisorMSP"]
    assert [one.gateway for one in found] == ["peer0.platform.example:7051", "peer0.supervisor.example:7051"]
    for one in found:
        assert SigningIdentity.load("PlatformMSP", one.cert_file, in_container(folder, str(one.key_file)))
        assert one.tls_ca().startswith(b"-----BEGIN CERTIFICATE-----")


def test_prometheus_finds_what_it_asks(prepare: Callable[..., Result], tmp_path: Path) -> None:
    """Its configuration names a port of the worker, a name of the gateway, and files."""
    prepare()
    text = (ROOT / "docker" / "prometheus" / "prometheus.yml").read_text()
    folder = tmp_path / "platform"
    loaded = config.load(folder / "secrets" / "gateway.json", {})
    assert loaded.metrics is not None
    assert f'"worker:{loaded.metrics.port}"' in text
    assert f'"gateway:{PORT}"' in text
    assert (in_container(folder, "/etc/countermark/gateway-ca.pem")).exists()
    assert "ca_file: /etc/countermark/gateway-ca.pem" in text
    for kind in ("peers", "orderers"):
        assert f"/etc/countermark/targets/{kind}*.json" in text


def test_secrets_are_for_one_account_and_the_rest_holds_none(prepare: Callable[..., Result], tmp_path: Path) -> None:
    prepare()
    folder = tmp_path / "platform"
    secrets = {path.name: path for path in (folder / "secrets").iterdir()}
    assert set(secrets) == SECRETS
    owner = (10001, 10001) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    for path in secrets.values():
        status = path.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*owner, 0o400), path
    public = files(folder / "public")
    assert not [name for name, data in public.items() if b"PRIVATE" in data]
    for path in (folder / "public").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_account_may_be_named_by_whoever_can_give_files_to_it(
    prepare: Callable[..., Result], tmp_path: Path
) -> None:
    done = prepare("--owner", "12345:54321")
    if os.geteuid():
        assert (done.status, "only root" in done.out) == (2, True)
        return
    status = (tmp_path / "platform" / "secrets" / "keys.json").stat()
    assert (status.st_uid, status.st_gid) == (12345, 54321)
    assert "COUNTERMARK_UID=12345\nCOUNTERMARK_GID=54321\n" in (tmp_path / "platform" / "compose.env").read_text()


@pytest.mark.parametrize("owner", ["0:0", "root:root", "10001", "-1:1", ""])
def test_containers_never_run_as_root(prepare: Callable[..., Result], tmp_path: Path, owner: str) -> None:
    assert prepare("--owner", owner).status == 2
    assert not (tmp_path / "platform").exists()


def test_a_second_run_writes_nothing_anew(prepare: Callable[..., Result], tmp_path: Path) -> None:
    first = prepare("--name", "gateway.example.org").json
    assert set(first["written"]) >= SECRETS
    before = files(tmp_path / "platform")
    assert prepare("--name", "gateway.example.org").json["written"] == []
    assert files(tmp_path / "platform") == before


def test_keys_and_password_survive_whatever_changes(
    prepare: Callable[..., Result], tmp_path: Path, connections: list[Path]
) -> None:
    """The database keeps the password, and what is sealed to the platform opens with its keys alone."""
    prepare()
    before = files(tmp_path / "platform")
    moved = connection(connections[0].parent, "platform", "elsewhere.example:7051")
    assert prepare("--name", "new.example", "--ledger", "other", "--faucet", files=[moved]).status == 0
    after = files(tmp_path / "platform")
    kept = ("secrets/database-password", "secrets/keys.json", "public/gateway-ca.pem", "roles/gateway/pepper")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert b"elsewhere.example:7051" in after["public/connection/0.json"]
    assert after["public/gateway-cert.pem"] != before["public/gateway-cert.pem"]
    assert b"COUNTERMARK_LEDGER=other\n" in after["compose.env"]


def test_a_secret_that_others_may_read_is_closed_again(prepare: Callable[..., Result], tmp_path: Path) -> None:
    prepare()
    path = tmp_path / "platform" / "secrets" / "keys.json"
    before = path.read_bytes()
    path.chmod(0o644)
    assert prepare().json["written"] == ["keys.json"]
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (0o400, before)


def test_peers_of_another_market_are_refused_before_anything_is_written(
    prepare: Callable[..., Result], tmp_path: Path, connections: list[Path]
) -> None:
    other = connection(connections[0].parent, "supervisor", "peer0.supervisor.example:7051", channel="other")
    refused = prepare(files=[connections[0], other])
    assert refused.status == 1
    assert "other/countermark" in refused.json["error"]["detail"]
    assert not (tmp_path / "platform" / "secrets").exists()


def test_a_dry_run_writes_nothing(prepare: Callable[..., Result], tmp_path: Path) -> None:
    assert prepare("--dry-run").json["dry_run"] is True
    assert not (tmp_path / "platform").exists()


def test_a_dry_run_founds_nothing(run: Run, tmp_path: Path, connections: list[Path]) -> None:
    options: list[Any] = ["--platform", tmp_path / "platform", "--connection", connections[0], "--guard", 60]
    assert run("--json", "--dry-run", "platform", "found", *options).json == {
        "dry_run": True,
        "market": "market/countermark",
    }
    assert not (tmp_path / "platform").exists()


def test_a_ledger_that_is_away_is_said(run: Run, tmp_path: Path, connections: list[Path]) -> None:
    away = ConnectionProfile.load(connections[0])
    file = tmp_path / "away.json"
    file.write_text(replace(away, gateway="127.0.0.1:1").dumps())
    done = run("--json", "platform", "found", "--platform", tmp_path / "p", "--connection", file, "--guard", 60)
    assert done.status == 1
    assert done.json["error"]["code"] == "ledger_unavailable"


class TestBesideANetwork:
    """The folder of `countermark network` says everything itself."""

    @pytest.fixture
    def network(self, run: Run, tmp_path: Path) -> Path:
        assert run("network", "generate", "--dir", tmp_path / "network", "--mode", "compose").status == 0
        return tmp_path / "network"

    def test_peers_are_asked_by_the_names_that_containers_have_for_them(
        self, run: Run, tmp_path: Path, network: Path
    ) -> None:
        done = run("--json", "platform", "prepare", "--platform", tmp_path / "platform", "--dir", network)
        assert (done.status, done.json["market"]) == (0, "market/countermark")
        folder = tmp_path / "platform"
        loaded = config.load(folder / "secrets" / "gateway.json", {})
        found = [ConnectionProfile.load(in_container(folder, str(path))) for path in loaded.connections]
        assert [one.gateway.partition(":")[0] for one in found] == [
            "peer0.platform.example",
            "peer0.supervisor.example",
            "peer1.supervisor.example",
        ]
        assert loaded.faucet is False
        targets = json.loads((folder / "public" / "targets" / "peers.json").read_text())
        assert [one["labels"]["organisation"] for one in targets] == [
            *("PlatformMSP", "SupervisorMSP", "SupervisorMSP", "TraderMSP")
        ]
        assert targets[0]["targets"][0].startswith("peer0.platform.example:")
        assert len(json.loads((folder / "public" / "targets" / "orderers.json").read_text())) == 3
        assert "COUNTERMARK_LEDGER=countermark-ledger\n" in (folder / "compose.env").read_text()

    def test_the_market_is_founded_for_the_organisations_of_the_network(
        self, run: Run, tmp_path: Path, network: Path
    ) -> None:
        text = (network / "network.yaml").read_text()
        (network / "network.yaml").write_text(text.replace("TraderMSP", "OtherMSP"))
        found = neighbour(network).parties
        assert (found.platform, found.supervisor, found.members) == ("PlatformMSP", "SupervisorMSP", ["OtherMSP"])
        assert neighbour(network).outside.gateway.startswith("127.0.0.1:")

    def test_a_network_of_processes_is_refused(self, run: Run, tmp_path: Path) -> None:
        """It listens on the loopback address, which is another one in every container."""
        run("network", "generate", "--dir", tmp_path / "network", "--mode", "native")
        done = run(
            "--json", "platform", "prepare", "--platform", tmp_path / "platform", "--dir", tmp_path / "network"
        )
        assert (done.status, "mode native" in done.out) == (2, True)
        assert not (tmp_path / "platform").exists()

    def test_no_network_at_all_is_said(self, run: Run, tmp_path: Path) -> None:
        for verb in ("prepare", "found"):
            done = run("--json", "platform", verb, "--platform", tmp_path / "platform", "--dir", tmp_path / "none")
            assert (done.status, "network.yaml is missing" in done.out) == (2, True)

    @pytest.mark.parametrize(("verb", "alone"), [("prepare", ("--ledger", "x")), ("found", ("--guard", "60"))])
    def test_half_of_a_description_is_refused(
        self, run: Run, tmp_path: Path, network: Path, verb: str, alone: tuple[str, str]
    ) -> None:
        done = run("platform", verb, "--platform", tmp_path / "platform", "--dir", network, *alone)
        assert (done.status, "go together" in done.err) == (2, True)


class TestCertificate:
    def names(self, pem: bytes) -> set[str]:
        parsed = x509.load_pem_x509_certificate(pem)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return {str(one.value) for one in names}

    def test_it_holds_for_neighbours_and_for_the_given_names(
        self, prepare: Callable[..., Result], tmp_path: Path
    ) -> None:
        prepare("--name", "market.example.org", "--name", "192.0.2.7")
        pem = (tmp_path / "platform" / "public" / "gateway-cert.pem").read_bytes()
        assert self.names(pem) == {*LOCAL, "market.example.org", "192.0.2.7"}

    def test_it_is_made_anew_by_the_same_authority_before_it_ends(self, tmp_path: Path) -> None:
        """Clients go on trusting it."""
        first = gateway_certificate(tmp_path, ["localhost"], now=NOW)
        late = NOW + LEAF_VALIDITY - LEAST
        assert gateway_certificate(tmp_path, ["localhost"], now=late - timedelta(hours=1)) == first
        second = gateway_certificate(tmp_path, ["localhost"], now=late)
        assert second.authority == first.authority
        assert (second.certificate, second.key) != (first.certificate, first.key)
        assert load_certificate(second.certificate).not_after == late + LEAF_VALIDITY

    def test_other_names_make_another(self, tmp_path: Path) -> None:
        first = gateway_certificate(tmp_path, ["localhost"], now=NOW)
        second = gateway_certificate(tmp_path, ["localhost", "::1"], now=NOW)
        assert (second.authority, self.names(second.certificate)) == (first.authority, {"localhost", "::1"})

    @pytest.mark.parametrize("gone", ["gateway-key.pem", "gateway-cert.pem"])
    def test_half_a_pair_is_made_anew(self, tmp_path: Path, gone: str) -> None:
        first = gateway_certificate(tmp_path, ["localhost"], now=NOW)
        (tmp_path / gone).unlink()
        second = gateway_certificate(tmp_path, ["localhost"], now=NOW)
        assert second.key != first.key
        assert second.key == (tmp_path / "gateway-key.pem").read_bytes()

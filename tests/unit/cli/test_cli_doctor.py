"""`countermark doctor`: what it finds right, and what it finds wrong."""

from importlib import metadata
from pathlib import Path

import pytest

from countermark.fingerprint import conformance
from tests.unit.cli.conftest import Run


def found(run: Run, *arguments: object, status: int = 0) -> dict[str, tuple[str, str]]:
    result = run("doctor", "--json", *arguments)
    document = result.json
    assert (result.status, document["sound"]) == (status, status == 0)
    return {one["subject"]: (one["verdict"], one["detail"]) for one in document["findings"]}


def home(run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (tmp_path / "passphrase").write_text("a passphrase\n")
    made = run(
        *("--home", folder, "--passphrase-file", tmp_path / "passphrase"),
        "account",
        "new",
        "--offline",
        "--name",
        "me",
    )
    assert made.status == 0
    return folder


def test_a_sound_installation(run: Run, tmp_path: Path) -> None:
    findings = found(run, "--home", home(run, tmp_path))
    assert {verdict for verdict, _ in findings.values()} == {"ok"}
    assert {"Python", "packages", "cryptography", "fingerprints", "PostgreSQL programs"} <= set(findings)
    assert findings["accounts"] == ("ok", "me (in use)")


def test_another_version_of_a_package_is_a_warning(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.1" if name == "httpx" else version(name))
    verdict, detail = found(run, "--home", tmp_path)["packages"]
    assert verdict == "warning"
    assert "httpx 0.1 instead of" in detail


def test_a_missing_package_is_wrong(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version = metadata.version

    def without(name: str) -> str:
        if name == "httpx":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without)
    assert found(run, "--home", tmp_path, status=1)["packages"] == ("wrong", "not installed: httpx")


def test_a_machine_that_computes_other_fingerprints_is_wrong(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(conformance, "failures", lambda: ("grey by image/v1",))
    verdict, detail = found(run, "--home", tmp_path, status=1)["fingerprints"]
    assert (verdict, detail.endswith("grey by image/v1")) == ("wrong", True)


def test_a_keystore_that_others_can_read_is_wrong(run: Run, tmp_path: Path) -> None:
    folder = home(run, tmp_path)
    (keystore,) = (folder / "accounts").glob("*.json")
    keystore.chmod(0o644)
    verdict, detail = found(run, "--home", folder, status=1)["accounts"]
    assert verdict == "wrong"
    assert f"{keystore} is open to others" in detail


def test_a_gateway_that_does_not_answer_is_wrong(run: Run, tmp_path: Path) -> None:
    findings = found(run, "--home", tmp_path, "--gateway", "https://127.0.0.1:1", status=1)
    assert findings["gateway"][0] == findings["readiness"][0] == "wrong"


def test_a_folder_in_which_no_platform_has_run_is_wrong(run: Run, tmp_path: Path) -> None:
    findings = found(run, "--home", tmp_path / "home", "--data", tmp_path, status=1)
    assert findings["data folder"] == ("wrong", f"no platform has run on {tmp_path}")


def test_lines_for_people(run: Run, tmp_path: Path) -> None:
    lines = run("doctor", "--home", tmp_path / "none").out.splitlines()
    assert all(line.startswith("ok ") for line in lines)

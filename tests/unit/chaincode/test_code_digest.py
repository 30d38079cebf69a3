"""The digest of the contracts' code: the same for everybody who has the same code, another for every other byte."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from countermark.chaincode import code
from countermark.chaincode.server import main
from countermark.chaincode.shim.errors import ShimError
from countermark.network.lifecycle.package import Package, build
from tests.support.pages import ROOT


def digest_of(folder: Path, **environment: str) -> str:
    """What a process prints whose contracts lie in `folder`."""
    command = [sys.executable, "-m", "countermark.chaincode.code"]
    given = {**os.environ, "PYTHONPATH": str(folder), **environment}
    done = subprocess.run(command, env=given, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("chaincode", "protocol"):
        shutil.copytree(ROOT / package, tmp_path / "countermark" / package)
    return tmp_path


def test_two_processes_of_two_installations_agree(copy: Path) -> None:
    own = code.code_digest()
    assert own.startswith("sha256:")
    assert {digest_of(copy, PYTHONHASHSEED=seed, LC_ALL="C") for seed in ("1", "2")} == {own}


def test_another_byte_another_name_or_another_module_makes_another_digest(copy: Path) -> None:
    contracts = copy / "countermark" / "chaincode"
    digests = [digest_of(copy)]
    module = contracts / "contracts" / "coin.py"
    assert module.exists()
    module.write_bytes(module.read_bytes() + b"\n")
    digests.append(digest_of(copy))
    module.rename(module.with_name("coins.py"))
    digests.append(digest_of(copy))
    (copy / "countermark" / "protocol" / "late.py").write_text("")
    digests.append(digest_of(copy))
    assert len(set(digests)) == len(digests)


def test_what_the_interpreter_leaves_behind_makes_none(copy: Path) -> None:
    before = digest_of(copy)
    (copy / "countermark" / "chaincode" / "notes.txt").write_text("no code")
    (copy / "countermark" / "chaincode" / "__pycache__").mkdir(exist_ok=True)
    (copy / "countermark" / "chaincode" / "__pycache__" / "x.py").write_text("no code")
    assert digest_of(copy) == before


@pytest.fixture
def package() -> Package:
    return build("countermark_1.0", sequence=1, code_digest=code.code_digest())


def test_a_package_of_this_code_is_accepted(package: Package, tmp_path: Path) -> None:
    (tmp_path / "1.tar.gz").write_bytes(package.data)
    code.check_package(tmp_path / "1.tar.gz", package.id)


@pytest.mark.parametrize(
    ("data", "ccid", "words"),
    [
        (build("countermark_1.0", sequence=1, code_digest=f"sha256:{'0' * 64}").data, None, "made for other code"),
        (None, f"countermark_1.0:{'0' * 64}", "is not the package"),
        (None, "", "is not the package"),
        (b"", None, "is not a chaincode package of this project"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 40, None, "is not a chaincode package"),
    ],
    ids=["other code", "other id", "no id", "empty", "damaged"],
)
def test_a_server_does_not_start_for_another_package(
    package: Package,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    data: bytes | None,
    ccid: str | None,
    words: str,
) -> None:
    """Organisations have approved an id; whoever serves it with other code would break his word."""
    given = Package(package.label, package.data if data is None else data)
    path = tmp_path / "1.tar.gz"
    path.write_bytes(given.data)
    assert main([*arguments(given.id if ccid is None else ccid), "--package", str(path)]) == 1
    assert words in caplog.text


def test_a_server_without_its_package_does_not_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = tmp_path / "gone.tar.gz"
    with pytest.raises(ShimError, match="gone"):
        code.check_package(gone, "id")
    assert main([*arguments("id"), "--package", str(gone)]) == 1
    assert str(gone) in caplog.text


def arguments(ccid: str) -> list[str]:
    files = ("--tls-cert", "none", "--tls-key", "none", "--client-ca", "none")
    return ["--address", "127.0.0.1:0", "--ccid", ccid, *files]

"""The images are built and the platform runs from them, on whatever engine this machine has."""

from pathlib import Path

import pytest

from tests.support.command_line import countermark
from tests.support.docker import standins
from tests.support.docker.engine import docker
from tests.support.docker.files import IMAGES
from tests.support.docker.images import Images
from tests.support.docker.ledger import Ledger
from tests.support.docker.platform import Container, Platform
from tests.support.figures import show

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800)]

MOST = {"chaincode": 90, "gateway": 280, "worker": 260}
"""Megabytes that an image may add to its base: what would make it twice as large is seen."""


def megabytes(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image)) // 1_000_000


def containers(platform: Platform, ledger: Ledger) -> dict[str, Container]:
    ours = {service: platform.container(service) for service in ("gateway", "worker")}
    return ours | {name: Container(ledger.chaincode(name)) for name in ledger.names}


def test_images_are_small(images: Images) -> None:
    base = megabytes(standins.python())
    sizes = {image: megabytes(images.tag(image)) for image in IMAGES}
    shown = ", ".join(f"{image} {size} MB" for image, size in sizes.items())
    show(f"images: {shown}, of which {base} MB are the base")
    assert not {image: size - base for image, size in sizes.items() if size - base > MOST[image]}


def test_no_image_holds_a_secret_of_its_build(images: Images) -> None:
    for image in IMAGES:
        history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", images.tag(image))
        assert "find-links" not in history
        found = docker("run", "--rm", "--entrypoint", "python", images.tag(image), "-c", _LOOK)
        assert found == "[]"


_LOOK = """
from pathlib import Path
names = {"pip.conf", "keys.json", "key.pem", "pepper", "passphrase", ".git", ".venv"}
tops = ("/build", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/var")
print([str(path) for top in tops for path in Path(top).rglob("*") if path.name in names])
"""


def test_a_trader_opens_an_account_and_is_paid_through_the_containers(platform: Platform, tmp_path: Path) -> None:
    """HTTPS, PostgreSQL, worker, ledger and contracts all take part in it."""
    state = platform.gateway.ready()
    assert (state["ready"], state["away"]) == (True, [])
    (tmp_path / "passphrase").write_text("correct horse\n")
    environment = platform.gateway.environment(tmp_path)
    countermark("account", "new", environment=environment)
    countermark("account", "fund", "100", environment=environment)
    assert "worker ready" in platform.container("worker").log


def test_the_workers_figures_are_shown_to_its_neighbours_and_to_nobody_else(platform: Platform) -> None:
    look = "import urllib.request; print(urllib.request.urlopen('http://worker:9464/metrics').read().decode())"
    assert "countermark_" in platform.container("gateway").run("python", "-c", look)
    assert platform.container("worker").description["NetworkSettings"]["Ports"] == {}


def test_no_process_has_root_or_capabilities_or_may_write_to_its_image(platform: Platform, ledger: Ledger) -> None:
    for name, container in containers(platform, ledger).items():
        lines = container.run("python", "-c", _STATUS).splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert "0" not in status["Uid"].split(), name
        assert {int(status[one], 16) for one in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {0}, name
        assert status["NoNewPrivs"] == "1", name
        assert container.run("python", "-c", _WRITE) == "read-only", name


# Of the process that init has started, not of what looks.
_STATUS = """
from pathlib import Path
ours = [one for one in Path("/proc").glob("[0-9]*") if b"-m\\0countermark." in (one / "cmdline").read_bytes()]
print((min(ours, key=lambda one: int(one.name)) / "status").read_text())
"""
_WRITE = """
try:
    open("/opt/countermark/x", "w")
except OSError as error:
    print("read-only" if error.errno in (13, 30) else error)
"""


def test_secrets_are_readable_by_the_process_that_needs_them_alone(platform: Platform) -> None:
    both = ["gateway.json 400", "keys.json 400", "ledger-key.pem 400"]
    assert platform.container("gateway").run("python", "-c", _SECRETS).splitlines() == [*both, "tls-key.pem 400"]
    assert platform.container("worker").run("python", "-c", _SECRETS).splitlines() == both


_SECRETS = """
from pathlib import Path
for path in sorted(Path("/run/secrets").iterdir()):
    print(path.name, oct(path.stat().st_mode)[-3:])
"""


def test_to_prepare_and_found_again_changes_nothing(platform: Platform) -> None:
    assert platform.prepare() == []
    assert platform.found() is False


def test_at_last_sigterm_ends_every_process_in_its_own_time(platform: Platform, ledger: Ledger) -> None:
    """None is killed: each ends with status 0, far before the 60 s after which the engine would do that."""
    took = {}
    for name, container in containers(platform, ledger).items():
        status, took[name] = container.stop()
        assert status == 0, (name, container.log[-2000:])
    assert max(took.values()) < 40, took
    show("containers end after SIGTERM: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()))

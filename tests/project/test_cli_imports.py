"""The command line starts fast: nothing heavy is imported before a command needs it."""

import subprocess
import sys

import pytest

HEAVY = {
    *("numpy", "PIL", "skimage", "scipy", "sqlalchemy", "psycopg2", "grpc", "google", "flask", "gunicorn", "httpx"),
    *("boto3", "botocore"),
}
NOUNS = ("account", "agent", "audit", "demo", "fingerprint", "listing", "search", "trade", "up", "webhook")

MODULES = 500
"""More than click, the standard library and our own handful ever need; an import of one of HEAVY passes it."""

PROGRAM = """
import sys
from countermark.cli import main
sys.argv = ["countermark", *sys.argv[1:]]
try:
    main.main()
except SystemExit as done:
    assert done.code == 0, done.code
print(" ".join(sorted(sys.modules)), file=sys.stderr)
"""


def imported(*arguments: str) -> tuple[str, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout, set(done.stderr.split())


def test_help_imports_nothing_heavy_and_little_at_all() -> None:
    text, modules = imported("--help")
    assert all(noun in text for noun in NOUNS)
    assert modules & HEAVY == set()
    assert len(modules) < MODULES
    assert {name for name in modules if name.startswith("countermark.")} <= {
        "countermark.audit",
        "countermark.audit.errors",
        "countermark.cli",
        "countermark.cli.failures",
        "countermark.cli.main",
        "countermark.cli.session",
        "countermark.client",
        "countermark.client.errors",
        "countermark.protocol",
        "countermark.protocol.errors",
    }


@pytest.mark.parametrize("noun", NOUNS)
def test_the_help_of_a_noun_imports_nothing_heavy_either(noun: str) -> None:
    text, modules = imported(noun, "--help")
    assert "Usage: countermark" in text
    assert modules & HEAVY == set()
    assert len(modules) < MODULES


def test_a_platform_whose_objects_lie_in_a_folder_imports_nothing_for_buckets() -> None:
    program = "import sys; from countermark.gateway import server, worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    modules = set(done.stdout.split())
    assert "countermark.platform.store.objects.s3" in modules
    assert modules & {"boto3", "botocore"} == set()

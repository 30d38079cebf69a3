"""A chaincode package: the same bytes for every organisation, another id for other code, and read without trust."""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countermark.network.lifecycle.errors import LifecycleError
from countermark.network.lifecycle.package import Package, build, parse
from tests.support.sizes import size

LABEL = "countermark_1.0"
DIGEST = f"sha256:{'00' * 32}"
ODD = "countermark_1.0:6b241a46472d73410cd8fd23a2667b85d7077f14ceb6faf5bc3873000d88c52e"
EVEN = "countermark_1.0:8cf229b9943a842dab9244206e244b399f1021323f6929e7582b278c0fd95c23"

PROGRAM = f"""
from countermark.network.lifecycle.package import build
print(build({LABEL!r}, sequence=1, code_digest={DIGEST!r}).data.hex())
"""


def made(*, sequence: int = 1, digest: str = DIGEST, label: str = LABEL) -> Package:
    return build(label, sequence=sequence, code_digest=digest)


@pytest.mark.parametrize(("sequence", "expected"), [(1, ODD), (2, EVEN), (3, ODD), (4, EVEN)])
def test_its_id_never_changes_for_the_same_code(sequence: int, expected: str) -> None:
    """Organisations compare it across versions of this project and of Python."""
    assert made(sequence=sequence).id == expected


def test_two_processes_make_the_same_bytes() -> None:
    """Whatever their hash seed, time zone, locale and mask of modes."""
    found = set()
    for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/New_York")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        found.add(done.stdout.strip())
    assert found == {made().data.hex()}


def test_other_code_or_another_label_has_another_id() -> None:
    ids = {made().id, made(digest=f"sha256:{'00' * 31}01").id, made(label="countermark_1.1").id, made(sequence=2).id}
    assert len(ids) == 4


def test_it_names_no_address_and_no_key() -> None:
    with tarfile.open(fileobj=io.BytesIO(made().data), mode="r:gz") as outer:
        code = outer.extractfile("code.tar.gz")
        assert code is not None
        with tarfile.open(fileobj=code, mode="r:gz") as inner:
            file = inner.extractfile("connection.json")
            assert file is not None
            connection = json.load(file)
            entries = (*outer, *inner)
    assert connection["address"] == "{{.address_odd}}"
    assert {connection[name] for name in ("client_cert", "client_key", "root_cert")} == {
        *("{{.client_cert}}", "{{.client_key}}", "{{.root_cert}}")
    }
    assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in entries} == {(0, 0, 0, "", 0o644)}


def test_it_is_read_as_it_was_made() -> None:
    package = parse(made().data)
    assert package == made()
    assert package.label == LABEL


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def a_folder() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("metadata.json")
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    return out.getvalue()


GARBAGE = {
    "nothing": b"",
    "no archive": b"package",
    "an empty archive": packed({}),
    "another file": packed({"other.json": b"{}"}),
    "a folder": a_folder(),
    "no JSON": packed({"metadata.json": b"{"}),
    "no text": packed({"metadata.json": b"\xff"}),
    "a list": packed({"metadata.json": b"[]"}),
    "deep": packed({"metadata.json": b"[" * 50_000}),
    "no label": packed({"metadata.json": b"{}"}),
    "label of another kind": packed({"metadata.json": b'{"label": 1}'}),
    "cut": made().data[:-1],
    "cut early": made().data[:40],
    "damaged stream": gzip.compress(b"x" * 5_000)[:20] + b"\xff" * 40,
    "not gzip inside": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + zlib.compress(b"x"),
    "not a tar": gzip.compress(b"x" * 1_000),
    "too long": made().data + bytes(1 << 20),
    "too long unpacked": packed({"padding": bytes(8 << 20), "metadata.json": b'{"label": "x"}'}),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_package_is_refused(name: str) -> None:
    with pytest.raises(LifecycleError) as refused:
        parse(GARBAGE[name])
    assert refused.value.code == "malformed_package"


@settings(max_examples=size(60, 5_000))
@given(st.integers(0, len(made().data)), st.integers(0, 40), st.binary(max_size=8))
def test_a_damaged_package_ends_in_no_other_error(at: int, length: int, piece: bytes) -> None:
    data = made().data
    changed = data[:at] + piece + data[at + length :]
    try:
        package = parse(changed)
    except LifecycleError:
        return
    assert package.data == changed

"""A table of files becomes one collection: the table and what a column of it names."""

import csv
import io
import json
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from countermark.client import gathering
from countermark.client.data import only
from countermark.client.errors import ClientError
from countermark.client.examining import examine
from tests.support.pictures import jpeg, photo

CHOICE = only(["bytes/v1", "collection/v1", "image/v1", "table/v1", "text/v1"])
NAMES = ["photos/cat.jpg", "photos/coffee.jpg"]
ROWS = [
    ("photos/cat.jpg", "cat"),
    ("./photos/coffee.jpg", "cup"),
    ("", "nothing"),
    (" ", "nothing"),
    ("photos/cat.jpg", "animal"),
]


def delimited(rows: list[tuple[str, str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([("file", "label"), *rows])
    return out.getvalue().encode()


def json_lines(rows: list[tuple[str, str]]) -> bytes:
    return b"".join(json.dumps({"file": file or None, "label": label}).encode() + b"\n" for file, label in rows)


def parquet(rows: list[tuple[str, str]]) -> bytes:
    out = io.BytesIO()
    files, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"file": [file or None for file in files], "label": labels}), out)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of photographs, one of which no table names."""
    made = tmp_path / "set"
    (made / "photos").mkdir(parents=True)
    for name in ("cat", "coffee", "rocket"):
        picture = photo("chelsea" if name == "cat" else name)
        (made / "photos" / f"{name}.jpg").write_bytes(jpeg(picture.resize((300, 200))))
    return made


@pytest.fixture
def table(folder: Path) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(delimited(ROWS))
    return path


@pytest.mark.parametrize("written", [delimited, json_lines, parquet])
def test_a_table_and_the_files_that_it_names_are_one_collection(folder: Path, written: object) -> None:
    assert callable(written)
    table, archive = folder / "labels", folder.parent / "set.zip"
    table.write_bytes(written(ROWS))
    assert gathering.gather(table, "file", archive) == ["labels", *NAMES]
    with zipfile.ZipFile(archive) as made:
        for name in ("labels", *NAMES):
            assert made.read(name) == (folder / name).read_bytes()
    data = examine(archive, CHOICE)
    assert [file.name for file in data.files] == ["labels", *NAMES]
    # It is the collection that a folder of just these files is.
    (folder / "photos" / "rocket.jpg").unlink()
    assert examine(folder, CHOICE).exact == data.exact


def test_the_same_files_make_the_same_archive(table: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    gathering.gather(table, "file", one)
    os.utime(table.parent / NAMES[0], (0, 0))
    gathering.gather(table, "file", other)
    assert one.read_bytes() == other.read_bytes()


def refused(table: Path, column: str = "file") -> ClientError:
    archive = table.parent.parent / "refused.zip"
    with pytest.raises(ClientError) as caught:
        gathering.gather(table, column, archive)
    assert not archive.exists()
    return caught.value


@pytest.mark.parametrize("written", [delimited, json_lines, parquet])
def test_a_column_that_the_table_does_not_have_is_refused(folder: Path, written: object) -> None:
    assert callable(written)
    table = folder / "labels"
    table.write_bytes(written(ROWS))
    assert refused(table, "path").code == "not_a_table"


@pytest.mark.parametrize("name", ["../outside.jpg", "/etc/hostname", "photos/../../set.jpg", ".", "photos", "a\\b"])
def test_a_name_that_leads_out_of_the_folder_or_to_no_file_is_refused(table: Path, name: str) -> None:
    table.write_bytes(delimited([*ROWS, (name, "x")]))
    (table.parent.parent / "outside.jpg").write_bytes(b"of somebody else")
    assert refused(table).code in {"archive_unsafe", "refused_here"}


def test_links_are_not_followed(table: Path) -> None:
    outside = table.parent.parent / "elsewhere"
    outside.mkdir()
    (outside / "secret").write_bytes(b"of somebody else")
    (table.parent / "link").symlink_to(outside / "secret")
    (table.parent / "way").symlink_to(outside)
    for name in ("link", "way/secret"):
        table.write_bytes(delimited([*ROWS, (name, "x")]))
        assert "link" in refused(table).detail


def test_a_file_that_is_missing_is_named(table: Path) -> None:
    table.write_bytes(delimited([*ROWS, ("photos/dog.jpg", "dog")]))
    assert "photos/dog.jpg" in refused(table).detail


def test_an_archive_that_exists_is_left_alone(table: Path, tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    archive.write_bytes(b"mine")
    with pytest.raises(ClientError, match="exists already"):
        gathering.gather(table, "file", archive)
    assert archive.read_bytes() == b"mine"

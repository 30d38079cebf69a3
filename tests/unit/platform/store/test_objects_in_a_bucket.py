"""What only a store in a bucket has: pieces and their index, processes that die in between, a service elsewhere."""

import logging
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from countermark.platform.ports import ObjectStore
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import bucket, index, s3
from countermark.platform.store.objects.bucket import Bucket
from countermark.platform.store.objects.index import Growing
from countermark.platform.store.objects.location import BucketLocation, parse_location
from countermark.platform.store.sql import text
from countermark.protocol.errors import ErrorCode, MarketError
from tests.support.s3_server import BUCKET, ENVIRONMENT, S3Server
from tests.support.stores import InBucket, Stored

FOLDER = "packages/tr1abc"
NAME = f"{FOLDER}/x"


@pytest.fixture
def place(s3_server: S3Server, database: Database) -> InBucket:
    return InBucket(s3_server, s3_server.location(), database)


@pytest.fixture
def store(place: InBucket) -> ObjectStore:
    return place.store


@pytest.fixture
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PIECE", 7)
    monkeypatch.setattr(s3, "_LOOKED_UP", 3)


def refusal(act: Callable[[], object]) -> MarketError:
    with pytest.raises(MarketError) as refused:
        act()
    return refused.value


def whole(store: ObjectStore, name: str = NAME) -> bytes:
    return b"".join(store.read(name))


@pytest.mark.usefixtures("_small_pieces")
def test_whatever_is_written_again_and_wherever_it_is_read_it_is_what_was_written_last(stored: Stored) -> None:
    """Random appends at random offsets against bytes in memory; pieces end everywhere."""
    chance, store, model = random.Random(16), stored.store, b""
    for _ in range(30):
        offset = chance.choice([len(model), chance.randint(0, len(model))])
        data = [chance.randbytes(chance.randint(0, 12)) for _ in range(chance.randint(0, 3))]
        model = model[:offset] + b"".join(data)
        assert store.append(NAME, offset, data) == len(model)
        assert store.size(NAME) == len(model)
    assert len(model) > 4 * 7
    store.seal(NAME, len(model))
    for start, stop in [
        (0, None),
        *((chance.randint(0, len(model)), chance.randint(0, len(model))) for _ in range(9)),
    ]:
        assert b"".join(store.read(NAME, start, stop)) == model[start:stop]
    assert stored.sizes(FOLDER) == [len(model)]


def test_pieces_that_come_in_drops_become_few(place: InBucket, store: ObjectStore) -> None:
    for number in range(5):
        store.append(NAME, number, [b"x"])
    assert len(place.held()) == 1
    store.seal(NAME, 5)
    assert whole(store) == b"xxxxx"


class CrashError(BaseException):
    """The process ends here."""


def _crash(*_arguments: object, **_options: object) -> None:
    raise CrashError


@pytest.mark.usefixtures("_small_pieces")
@pytest.mark.parametrize("moment", ["before a piece", "between piece and index", "before what was replaced goes"])
def test_a_process_that_dies_leaves_what_it_had_recorded_and_the_rest_goes_with_the_object(
    place: InBucket, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    owner, method = {
        "before a piece": (Bucket, "put"),
        "between piece and index": (Growing, "record"),
        "before what was replaced goes": (Bucket, "delete"),
    }[moment]
    place.store.append(NAME, 0, [b"first part, long"])
    with monkeypatch.context() as dying:
        dying.setattr(owner, method, _crash)
        with pytest.raises(CrashError):
            place.store.append(NAME, 9, [b"another"])
    store = place.store
    assert store.size(NAME) == (16 if method == "delete" else 9)
    assert store.append(NAME, 9, [b" and more"]) == 18
    store.seal(NAME, 18)
    assert whole(store) == b"first par and more"
    store.delete(NAME)
    assert place.held() == []


@pytest.mark.parametrize("end", ["delete", "clear"])
def test_a_deletion_that_died_is_finished_by_the_next(
    place: InBucket, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    place.store.append(NAME, 0, [b"x"])
    with monkeypatch.context() as dying:
        dying.setattr(Bucket, "pages", _crash)
        with pytest.raises(CrashError):
            place.store.delete(NAME)
    assert (place.store.size(NAME), len(place.held())) == (0, 1)
    place.store.append(NAME, 0, [b"anew"])
    place.store.delete(NAME) if end == "delete" else place.store.clear(FOLDER)
    assert place.held() == []


def test_only_what_no_object_needs_is_swept(place: InBucket, store: ObjectStore) -> None:
    store.append(NAME, 0, [b"x"])
    for name in (f"{FOLDER}/y", f"{FOLDER}/y/z", "packages/tr1abcd/x"):
        store.append(name, 0, [name.encode()])
        store.seal(name, len(name))
    for foreign in ("packages/tr1abc/README", "packages/tr1abc/x/y/README"):
        place.server.client.put_object(Bucket=BUCKET, Key=place.location.prefix + foreign, Body=b"of somebody")
    store.delete(NAME)
    assert whole(store, f"{FOLDER}/y") == f"{FOLDER}/y".encode()
    store.delete(f"{FOLDER}/y")
    assert whole(store, f"{FOLDER}/y/z") == f"{FOLDER}/y/z".encode()
    store.clear(FOLDER)
    assert whole(store, "packages/tr1abcd/x") == b"packages/tr1abcd/x"
    assert len(place.held(FOLDER + "/")) == 2


def test_more_pieces_than_a_listing_has_on_a_page_are_removed(
    place: InBucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "_PAGE", 4)
    monkeypatch.setattr(s3, "PIECE", 1)
    store.append(NAME, 0, [b"0123456789"])
    assert len(place.held()) == 10
    store.append(NAME, 1, [])
    assert len(place.held()) == 1
    store.append(NAME, 1, [b"123456789"])
    place.store.delete(NAME)
    assert place.held() == []


# --- Two processes ------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from countermark.platform.store.engine import Database
from countermark.platform.store.objects import open_store, s3
s3.PIECE = 4
database, objects, name = sys.argv[1:]
def data():
    yield b"recorded"
    print("half", flush=True)
    yield sys.stdin.buffer.read()
print(open_store(objects, database=Database(database)).append(name, 0, data()))
"""


def writer(place: InBucket) -> "subprocess.Popen[bytes]":
    """A process that has written 8 bytes, and waits for the rest on its standard input."""
    database = place.database._url.render_as_string(hide_password=False)
    location = place.location
    url = f"s3://{location.bucket}/{location.prefix}?endpoint={location.endpoint}&region={location.region}"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, database, url, NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    return process


def test_a_writer_that_is_killed_keeps_nobody_waiting(place: InBucket) -> None:
    process = writer(place)
    process.kill()
    process.communicate()
    store = place.store
    assert store.append(NAME, 8, [b" and whole"]) == 18
    store.seal(NAME, 18)
    assert whole(store) == b"recorded and whole"


def test_a_seal_waits_for_a_writer_in_another_process(place: InBucket) -> None:
    process = writer(place)
    seal = threading.Thread(target=place.store.seal, args=(NAME, 12))
    seal.start()
    while seal.is_alive() and not _somebody_waits(place.database):
        seal.join(0.01)
    assert place.store.size(NAME) == 8
    out, _ = process.communicate(b"last")
    seal.join()
    assert (out, process.returncode) == (b"12\n", 0)
    assert whole(place.store) == b"recordedlast"


def _somebody_waits(database: Database) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with database.begin() as connection:
        return bool(connection.execute(text(query)).scalar_one())


@pytest.mark.usefixtures("_small_pieces")
def test_a_writer_that_has_lost_its_lock_writes_no_more(place: InBucket) -> None:
    """The database has ended its session, as after a partition; another writes, and the first comes back."""

    def data() -> Iterator[bytes]:
        yield b"1234567"
        with place.database.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )
        assert place.store.append(NAME, 0, [b"other bytes"]) == 11
        place.store.seal(NAME, 11)
        yield b"89abcdef"

    error = refusal(lambda: place.store.append(NAME, 0, data()))
    assert error.code is ErrorCode.DATABASE_UNAVAILABLE
    assert whole(place.store) == b"other bytes"


def test_a_writer_that_never_ends_is_waited_for_no_longer_than_said(
    place: InBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WAIT_S", 0.2)
    refused: list[MarketError] = []

    def data() -> Iterator[bytes]:
        yield b"x"
        refused.append(refusal(lambda: place.store.append(NAME, 0, [b"y"])))
        refused.append(refusal(lambda: place.store.seal(NAME, 1)))

    assert place.store.append(NAME, 0, data()) == 1
    assert [error.code for error in refused] == [ErrorCode.STORE_UNAVAILABLE] * 2
    place.store.seal(NAME, 1)
    assert whole(place.store) == b"x"


# --- The service --------------------------------------------------------------------------------------------


def test_an_object_that_is_deleted_while_it_is_read_breaks_off(
    place: InBucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PIECE", 4)
    store.append(NAME, 0, [b"0123456789"])
    store.seal(NAME, 10)
    pieces = store.read(NAME)
    assert next(pieces) == b"0123"
    place.store.delete(NAME)
    assert refusal(lambda: list(pieces)).code is ErrorCode.NOT_FOUND


def test_bytes_that_the_service_has_lost_are_an_answer(place: InBucket, store: ObjectStore) -> None:
    store.append(NAME, 0, [b"bytes"])
    store.seal(NAME, 5)
    for key in place.held():
        place.server.client.delete_object(Bucket=BUCKET, Key=key)
    assert refusal(lambda: store.read(NAME)).code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("data", [b"byte", b""], ids=["cut", "emptied"])
def test_bytes_that_the_service_has_cut_are_not_taken_for_whole(
    place: InBucket, store: ObjectStore, data: bytes
) -> None:
    store.append(NAME, 0, [b"bytes"])
    store.seal(NAME, 5)
    for key in place.held():
        place.server.client.put_object(Bucket=BUCKET, Key=key, Body=data)
    assert refusal(lambda: store.read(NAME)).code is ErrorCode.STORE_UNAVAILABLE


def test_a_bucket_that_is_not_there_is_one_clear_error(place: InBucket) -> None:
    store = replace(place, location=replace(place.location, bucket="nobodys")).store
    for act in (store.probe, lambda: store.append(NAME, 0, [b"x"]), lambda: store.delete(NAME)):
        error = refusal(act)
        assert (error.code, error.detail) == (ErrorCode.STORE_UNAVAILABLE, "the object store refuses (NoSuchBucket)")


def test_nothing_tells_credentials_or_where_the_bucket_is(
    place: InBucket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    error = refusal(replace(place, location=replace(place.location, bucket="nobodys")).store.probe)
    place.store.probe()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    missing = refusal(place.store.probe)
    assert (missing.code, "NoCredentials" in missing.detail) == (ErrorCode.STORE_UNAVAILABLE, True)
    said = "\n".join([repr(error), repr(missing), repr(place.store), caplog.text])
    for secret in (ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], "nobodys", place.location.endpoint):
        assert str(secret) not in said


GOOD = {
    "/var/lib/objects": Path("/var/lib/objects"),
    "objects": Path("objects"),
    "s3://bucket": BucketLocation("bucket"),
    "s3://bucket/": BucketLocation("bucket"),
    "s3://my.bucket-1/market/one/": BucketLocation("my.bucket-1", "market/one/"),
    "s3://bucket/p?region=eu-central-1": BucketLocation("bucket", "p/", None, "eu-central-1"),
    "s3://bucket?endpoint=http://127.0.0.1:9000": BucketLocation("bucket", "", "http://127.0.0.1:9000"),
    "s3://bucket/p?region=x&endpoint=https%3A%2F%2Fs3.example": BucketLocation(
        "bucket", "p/", "https://s3.example", "x"
    ),
}


@pytest.mark.parametrize("where", GOOD)
def test_a_store_is_named_by_a_folder_or_a_url(where: str) -> None:
    assert parse_location(where) == GOOD[where]


@pytest.mark.parametrize(
    "where",
    [
        *("s3://", "s3:///prefix", "s3://B", "s3://ab", "s3://bucket/a//b", "s3://bucket/ä", "s3://bucket#x"),
        *("https://canary@s3.example/bucket", "gs://bucket", "s3://key:canary@bucket", "s3://[canary/p"),
        *("s3://bucket?secret=canary", "s3://bucket?region=a&region=b", "s3://bucket?region=", "s3://bucket?region"),
        *("s3://bucket?endpoint=s3.example", "s3://bucket?endpoint=ftp://s3.example", "s3://bucket?endpoint=http://"),
        *("s3://bucket?endpoint=https://k:canary@s3.example", "s3://bucket?endpoint=https://s3.example/canary"),
        *("s3://bucket?endpoint=https://s3.example:canary", "s3://bucket?endpoint=https://s3.example:99999"),
    ],
)
def test_any_other_url_is_refused_and_not_repeated(where: str) -> None:
    error = refusal(lambda: parse_location(where))
    assert error.code is ErrorCode.MALFORMED_REQUEST
    assert "canary" not in repr(error)
    assert error.__cause__ is None

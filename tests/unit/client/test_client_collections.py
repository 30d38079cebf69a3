"""Collections by the client: examined once, gone on with, sent as one archive, compared file by file."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from countermark.client import account, collections, deliveries, listings, purchases, receiving, searches
from countermark.client.comparing import compare_paths
from countermark.client.data import fingerprints_of, only
from countermark.client.errors import ClientError
from countermark.client.examining import examine
from countermark.client.packing import packed
from countermark.protocol import searches as inquiries
from tests.support.front import Front, Trader
from tests.support.pictures import crop, jpeg, noise, photo
from tests.unit.client.conftest import Sale

CHOICE = only(["bytes/v1", "collection/v1", "image/v1", "table/v1", "text/v1"])
TERMS, WORDS = listings.Terms(10_001, {}), listings.Words()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a photograph, a text, a table, other bytes and an empty file."""
    made = tmp_path / "set"
    (made / "sub").mkdir(parents=True)
    (made / "cat.jpg").write_bytes(jpeg(photo("chelsea").resize((300, 200))))
    (made / "sub" / "words.txt").write_text(" ".join(f"word{n} stands beside {n * n}" for n in range(80)))
    rows = "\n".join(f"{n};{n * n % 977};{n**3 % 7919 / 7}" for n in range(200))
    (made / "sub" / "numbers.csv").write_text(f"n;square;cube\n{rows}\n")
    (made / "some.bin").write_bytes(bytes(n * n % 251 for n in range(5000)))
    (made / "empty").touch()
    return made


def failing(path: Path, **how: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        examine(path, CHOICE, **how)
    return caught.value


def test_every_file_is_fingerprinted_as_what_it_is(folder: Path) -> None:
    data = examine(folder, CHOICE)
    assert data.kind == "collection"
    assert [file.name for file in data.files] == ["cat.jpg", "empty", "some.bin", "sub/numbers.csv", "sub/words.txt"]
    assert data.generators == ("bytes/v1", "collection/v1", "image/v1", "table/v1", "text/v1")
    assert len(data.items) == 5
    assert data.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_folder_and_its_archive_are_the_same_data(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.write(file, file.relative_to(folder))
    one, other = examine(folder, CHOICE), examine(path, CHOICE)
    assert (one.exact, one.root, one.items) == (other.exact, other.root, other.items)
    with packed(one, tmp_path / "sent.zip") as sent:
        third = examine(sent, CHOICE)
    assert (third.exact, third.root) == (one.exact, one.root)
    assert not (tmp_path / "sent.zip").exists()
    (folder / "empty").rename(folder / "void")
    assert examine(folder, CHOICE).exact != one.exact


def test_a_bad_file_is_named_and_says_what_is_wrong(folder: Path) -> None:
    (folder / "sub" / "cut.jpg").write_bytes((folder / "cat.jpg").read_bytes()[:5000])
    error = failing(folder)
    assert error.code == "not_an_image"
    assert "sub/cut.jpg" in error.detail


def test_files_of_nothing_are_no_collection(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert failing(tmp_path).code == "empty_file"


def test_a_kind_that_the_market_does_not_take_is_refused(folder: Path) -> None:
    with pytest.raises(ClientError) as caught:
        examine(folder, only(["collection/v1", "image/v1"]))
    assert caught.value.code == "incompatible_fingerprints"


class Counting:
    """Fingerprints files, and counts how many; stops before one more than `most`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int = 1000) -> None:
        self.made, self._most = 0, most
        monkeypatch.setattr(collections, "fingerprints_of", self)

    def __call__(self, file: BinaryIO, generators: Sequence[str]) -> list[bytes]:
        if self.made == self._most:
            raise KeyboardInterrupt
        self.made += 1
        return fingerprints_of(file, generators)


def test_a_run_that_broke_off_is_gone_on_with(folder: Path, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = front.trader("seller").vault
    monkeypatch.setattr(collections, "_BATCH", 1)
    interrupted = Counting(monkeypatch, most=2)
    with pytest.raises(KeyboardInterrupt):
        examine(folder, CHOICE, vault=vault)
    assert interrupted.made == 2
    told: list[tuple[int, int]] = []
    rest = Counting(monkeypatch)
    data = examine(folder, CHOICE, vault=vault, progress=lambda done, total: told.append((done, total)))
    assert rest.made == 2
    assert told[-1] == (5, 5)
    assert data == examine(folder, CHOICE)


def test_what_is_known_of_a_file_holds_until_the_file_changes(
    folder: Path, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = front.trader("seller").vault
    before = examine(folder, CHOICE, vault=vault)
    again = Counting(monkeypatch)
    assert examine(folder, CHOICE, vault=vault) == before
    assert again.made == 0
    (folder / "some.bin").write_bytes(b"\0" + (folder / "some.bin").read_bytes())
    after = examine(folder, CHOICE, vault=vault)
    assert again.made == 1
    assert after.exact != before.exact
    assert len(vault.names("examined")) == 1


def test_fingerprints_that_wait_in_the_home_are_encrypted(folder: Path, front: Front) -> None:
    seller = front.trader("seller")
    data = examine(folder, CHOICE, vault=seller.vault)
    kept = b"".join(path.read_bytes() for path in (seller.folder / "vault").rglob("*") if path.is_file())
    assert kept
    assert not any(item[100:130] in kept for item in data.items)
    assert b"words.txt" not in kept


def test_many_files_are_examined_by_several_processes_with_the_same_result(folder: Path, tmp_path: Path) -> None:
    for number in range(30):
        (folder / f"more-{number:02d}.txt").write_text(f"line {number}\n" * 10)
    told: list[int] = []
    many = examine(folder, CHOICE, progress=lambda done, total: told.append(done))
    assert told == list(range(1, 36))
    generators = {kind: tuple(CHOICE(kind)) for kind in ("image", "table", "text", "bytes")}
    with collections._Files(folder, generators) as files:
        alone = [files.examine(file.name) for file in many.files]
    assert [one.digest for one in alone] == [file.digest for file in many.files]
    assert collections._ordered(alone) == many.items


# Compared offline


def test_collections_are_compared_file_by_file(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.jpg").write_bytes(jpeg(noise(crop(photo("chelsea").resize((300, 200)), 0.03), 6)))
    for number in range(9):
        (other / f"{number}.bin").write_bytes(bytes((n * n * (number + 3) + n) % 241 for n in range(4000)))
    compared = compare_paths(folder, other)
    assert (compared.decision, compared.score) == ("match", 0.25)
    (other / "mine.jpg").unlink()
    assert compare_paths(folder, other).decision == "different"
    assert compare_paths(folder, folder).score == 1.0
    with pytest.raises(ClientError, match="only one of set and cat") as caught:
        compare_paths(folder, folder / "cat.jpg")
    assert caught.value.code == "incompatible_fingerprints"


# Sold


def _trader(front: Front, name: str) -> Trader:
    trader = front.trader(name)
    account.fund(trader.market, "50000", f"deposit-{name}")
    return trader


def _offer(who: Trader, path: Path) -> str:
    return str(listings.create(who.market, who.vault, path, TERMS, WORDS).result["id"])


@pytest.fixture
def listed(sale: Sale, folder: Path) -> str:
    """The folder, on the market."""
    seller = sale.seller.trader
    address = _offer(seller, folder)
    listings.charge(seller.market, address)
    sale.front.work()
    return address


def _sent(sale: Sale, listing: str) -> str:
    trade = str(purchases.buy(sale.buyer.market(), sale.buyer.trader.vault, listing).result["id"])
    deliveries.charge(sale.seller.market(), sale.seller.trader.trade(trade))
    sale.seller.send(trade)
    sale.front.work()
    return trade


@pytest.mark.requirement("A-09")
def test_a_collection_is_sold_and_its_buyer_has_the_same_files(
    sale: Sale, listed: str, folder: Path, tmp_path: Path
) -> None:
    shown = searches.show(sale.buyer.market(), listed)
    assert (shown["generator"], shown["items"], shown["description"]["items"]) == ("collection/v1", 5, 5)
    trade = _sent(sale, listed)
    assert sorted(path.suffix for path in sale.seller.packages.iterdir()) == [".package"]
    received = sale.buyer.fetch(trade, tmp_path / "bought.zip")
    assert received.verdict == "match"
    purchases.acknowledge(
        sale.buyer.market(), sale.buyer.trader.keys, sale.buyer.trader.vault, sale.buyer.trader.trade(trade), received
    )
    with zipfile.ZipFile(received.path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
    # The new owner holds all that his own buyer will need.
    held = listings.recall(sale.buyer.trader.vault, listed)
    assert examine(held.path, only(held.generators)).root == received.root


def test_a_collection_of_which_a_file_was_changed_is_not_sent(sale: Sale, listed: str, folder: Path) -> None:
    trade = str(purchases.buy(sale.buyer.market(), sale.buyer.trader.vault, listed).result["id"])
    deliveries.charge(sale.seller.market(), sale.seller.trader.trade(trade))
    (folder / "empty").write_bytes(b"no more")
    with pytest.raises(ClientError) as caught:
        sale.seller.send(trade)
    assert caught.value.code == "commitment_mismatch"
    assert not list(sale.seller.packages.glob("*"))


def test_a_file_that_changes_while_the_collection_is_packed_stops_it(folder: Path, tmp_path: Path) -> None:
    data = examine(folder, CHOICE)
    (folder / "some.bin").write_bytes(bytes(5000))
    with pytest.raises(ClientError, match=r"some\.bin") as caught, packed(data, tmp_path / "sent.zip"):
        pass
    assert caught.value.code == "commitment_mismatch"
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("sub/words.txt", "bad"), ("empty", "bad"), ("cat.jpg", "altered")],
    ids=["another text", "another file that was empty", "the same picture in other bytes"],
)
def test_a_collection_with_one_altered_file_is_judged_so(
    sale: Sale, listed: str, folder: Path, tmp_path: Path, name: str, verdict: str
) -> None:
    trade = _sent(sale, listed)
    received = sale.buyer.fetch(trade, tmp_path / "bought.zip")
    promise = receiving.promises.recall(sale.buyer.trader.vault, trade)
    path = folder / name
    # What stands behind a JPEG's end is no part of the picture.
    path.write_bytes(path.read_bytes() + b"and something more, of several words that were not there")
    judged, _ = receiving.judge(promise, folder, received.salts)
    assert judged == verdict


@pytest.mark.requirement("A-09")
def test_a_set_with_another_files_of_it_is_refused_and_the_files_alone_are_too(
    sale: Sale, listed: str, folder: Path, tmp_path: Path
) -> None:
    thief = _trader(sale.front, "stranger")
    with pytest.raises(ClientError) as caught:
        _offer(thief, folder)
    assert caught.value.code == "similar_registered"
    copy = tmp_path / "mine.txt"
    words = (folder / "sub" / "words.txt").read_text().split()
    copy.write_text(" ".join(words[: len(words) // 2]))
    with pytest.raises(ClientError) as caught:
        _offer(thief, copy)
    assert caught.value.code == "similar_registered"
    (tmp_path / "own.txt").write_text(" ".join(f"own{n} was never {n * 3} before" for n in range(60)))
    assert _offer(thief, tmp_path / "own.txt")


@pytest.mark.requirement("R31", "R16")
def test_a_sample_of_any_kind_finds_the_collection_that_holds_it(sale: Sale, listed: str, folder: Path) -> None:
    buyer = sale.buyer.trader
    for name in ("cat.jpg", "sub/words.txt", "sub/numbers.csv", "some.bin"):
        assert searches.by_sample(buyer.market, buyer.keys, folder / name) == [listed], name
    assert searches.by_sample(buyer.market, buyer.keys, folder) == [listed]


def test_of_a_large_collection_some_files_are_asked_for(folder: Path) -> None:
    for number in range(3 * inquiries.MAX_SAMPLES):
        (folder / f"more-{number:03d}.txt").write_text(f"line {number}\n" * 10)
    samples = searches._samples(examine(folder, CHOICE))
    assert inquiries.MAX_SAMPLES / 2 < len(samples) <= inquiries.MAX_SAMPLES

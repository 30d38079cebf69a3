"""A package on the buyer's disk: nothing is overwritten, lost or left in clear, whatever happens in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from countermark.client import receiving
from tests.unit.client.conftest import Sale, failing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bought"
    folder.mkdir()
    return folder


def downloads(sale: Sale) -> int:
    """How often the package was fetched."""
    return sum(method == "GET" and path.endswith("/package") for method, path in sale.buyer.wire.requests)


def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(sale: Sale, folder: Path) -> None:
    trade, out = sale.sent(), folder / "photo.jpg"
    out.write_text("of somebody")
    assert failing(lambda: sale.buyer.fetch(trade, out)).code == "refused_here"
    assert (out.read_text(), downloads(sale)) == ("of somebody", 0)
    (folder / "link").symlink_to(folder / "elsewhere")
    assert failing(lambda: sale.buyer.fetch(trade, folder / "link")).code == "refused_here"
    assert sale.buyer.fetch(trade, out, force=True).verdict == "match"
    assert out.read_bytes() == sale.front.photograph.read_bytes()


def test_a_file_that_appears_in_the_meantime_is_kept(
    sale: Sale, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade, out = sale.sent(), folder / "photo.jpg"
    opened = receiving.open_package

    def late(*arguments: Any, **options: Any) -> Any:
        out.write_text("of somebody")
        return opened(*arguments, **options)

    monkeypatch.setattr(receiving, "open_package", late)
    with pytest.raises(FileExistsError):
        sale.buyer.fetch(trade, out)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("photo.jpg", "of somebody")]


def test_a_receive_whose_notice_was_not_answered_goes_on_with_what_it_has_stored(sale: Sale, folder: Path) -> None:
    trade, out = sale.sent(), folder / "photo.jpg"
    first = sale.buyer.fetch(trade, out)
    assert downloads(sale) == 1
    again = sale.buyer.fetch(trade, out)
    assert (again, downloads(sale)) == (first, 1)
    # What was changed since accuses no seller.
    out.write_bytes(out.read_bytes() + b"x")
    assert failing(lambda: sale.buyer.fetch(trade, out)).code == "refused_here"


def test_names_may_be_as_long_as_names_can_be(sale: Sale, folder: Path) -> None:
    out = folder / ("n" * 255)
    assert sale.buyer.fetch(sale.sent(), out).verdict == "match"


def test_a_folder_that_is_not_there_is_told_before_anything_is_fetched(sale: Sale, folder: Path) -> None:
    trade = sale.sent()
    assert failing(lambda: sale.buyer.fetch(trade, folder / "none" / "photo.jpg")).code == "refused_here"
    assert downloads(sale) == 0


def test_the_package_lies_in_the_home_closed_to_others_and_follows_no_link(
    sale: Sale, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = sale.sent()
    seen: list[tuple[int, int, list[str]]] = []
    opened = receiving.open_package

    def look(source: Any, plain: Any, **options: Any) -> Any:
        seen.append(
            (
                os.fstat(source.fileno()).st_mode & 0o777,
                os.fstat(plain.fileno()).st_mode & 0o777,
                [path.name for path in sale.buyer.downloads.iterdir()],
            )
        )
        return opened(source, plain, **options)

    monkeypatch.setattr(receiving, "open_package", look)
    before = os.umask(0)
    try:
        sale.buyer.downloads.mkdir()
        (sale.buyer.downloads / f"{trade}.package").symlink_to(folder / "elsewhere")
        with pytest.raises(OSError, match="symbolic link"):
            sale.buyer.fetch(trade, folder / "photo.jpg")
        assert list(folder.iterdir()) == []
        (sale.buyer.downloads / f"{trade}.package").unlink()
        sale.buyer.fetch(trade, folder / "photo.jpg")
    finally:
        os.umask(before)
    assert seen == [(0o600, 0o600, [f"{trade}.package"])]
    assert list(sale.buyer.downloads.iterdir()) == []


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_failure_of_this_machine_keeps_the_package_and_leaves_no_plaintext(
    sale: Sale, folder: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    trade, out = sale.sent(), folder / "photo.jpg"
    opened = receiving.open_package

    def fail(source: Any, plain: Any, **options: Any) -> Any:
        opened(source, plain, **options)
        raise failure

    monkeypatch.setattr(receiving, "open_package", fail)
    with pytest.raises(type(failure)):
        sale.buyer.fetch(trade, out)
    assert list(folder.iterdir()) == []
    assert downloads(sale) == 1
    monkeypatch.setattr(receiving, "open_package", opened)
    assert sale.buyer.fetch(trade, out).verdict == "match"
    assert downloads(sale) == 1


def test_plaintext_that_a_killed_run_left_goes_with_the_next_try_wherever_that_goes(
    sale: Sale, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = sale.sent()
    unlink = Path.unlink

    class KilledError(BaseException):
        """Stands for a signal that lets nothing be cleaned up."""

    def killed(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
        raise KilledError

    opened = receiving.open_package
    monkeypatch.setattr(receiving, "open_package", killed)
    with pytest.raises(KilledError):
        sale.buyer.fetch(trade, folder / "photo.jpg")
    monkeypatch.setattr(Path, "unlink", unlink)
    monkeypatch.setattr(receiving, "open_package", opened)
    assert len(list(folder.iterdir())) == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sale.buyer.fetch(trade, elsewhere / "photo.jpg")
    assert list(folder.iterdir()) == []
    assert [path.name for path in elsewhere.iterdir()] == ["photo.jpg"]


PROGRAM = """
import os, sys
from pathlib import Path
from countermark.cli import main
from countermark.client.files import replacing

@main.command.command("hold")
def hold():
    out = Path(os.environ["OUT"])
    with replacing(out, partial=out.with_name(".partial")) as file:
        file.write(b"plaintext")
        file.flush()
        print("writing", flush=True)
        sys.stdin.read()

main.command.get_command = lambda *_: hold
sys.argv = ["countermark", "hold"]
main.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_write_leaves_nothing_behind(folder: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "OUT": str(folder / "out")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert len(list(folder.iterdir())) == 1
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (1, "error: interrupted")
    assert list(folder.iterdir()) == []

"""The frame of the command line: options anywhere, exit statuses, passphrases, and one document on stdout."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from countermark.audit.errors import AuditError
from countermark.cli import session as cli_session
from countermark.cli.failures import ERROR, REFUSED, UNKNOWN, report, status_of
from countermark.cli.main import COMMANDS, command
from countermark.client.errors import ClientError
from countermark.client.home import Home
from countermark.protocol.errors import ErrorCode, MarketError
from tests.unit.cli.conftest import PASSPHRASE, Run

# Options


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "account", "list"),
        ("account", "--json", "list"),
        ("account", "list", "--json"),
        ("--json", "account", "--json", "list", "--json"),
    ],
    ids=" ".join,
)
def test_json_stands_before_between_or_after(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run("--home", tmp_path, *arguments)
    assert result.status == 0
    assert result.json == {"items": []}
    assert result.err == ""


@pytest.mark.parametrize("noun", sorted(COMMANDS))
def test_every_command_takes_the_shared_options(noun: str) -> None:
    shared = {"--home", "--json", "--profile", "--passphrase-file", "--gateway", "--dry-run"}

    def check(one: click.Command) -> None:
        assert shared <= {name for option in one.params for name in option.opts}, one.name
        for verb in one.commands.values() if isinstance(one, click.Group) else ():
            check(verb)

    found = command.get_command(click.Context(command), noun)
    assert found is not None
    check(found)


def test_an_option_of_the_verb_wins(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "profile.json").write_text("broken")
    assert run("--home", tmp_path / "a", "account", "list").status == 0
    assert run("--home", tmp_path / "a", "account", "list", "--home", tmp_path / "b").status == 1


def test_the_home_comes_from_the_environment_too(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "env"))
    monkeypatch.setenv("COUNTERMARK_PASSPHRASE_FILE", str(tmp_path / "pass"))
    (tmp_path / "pass").write_text(PASSPHRASE)
    assert run("account", "new", "--offline").status == 0
    assert (tmp_path / "env" / "accounts" / "default.json").exists()


# Statuses


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("insufficient_funds", REFUSED),
        ("similar_registered", REFUSED),
        ("wrong_state", REFUSED),
        ("unknown_trade", REFUSED),
        ("outcome_unknown", UNKNOWN),
        ("gateway_unreachable", ERROR),
        ("gateway_silent", ERROR),
        ("gateway_answer", ERROR),
        ("refused_here", ERROR),
        ("ledger_unavailable", ERROR),
        ("database_unavailable", ERROR),
        ("store_unavailable", ERROR),
        ("endorsement_failed", ERROR),
        ("conflict", ERROR),
        ("busy", ERROR),
        ("internal", ERROR),
        ("something_new", ERROR),
    ],
)
def test_every_code_has_its_status(code: str, status: int) -> None:
    assert status_of(code) == status


ERRORS: list[tuple[Exception, int, dict[str, object]]] = [
    (ClientError("wrong_state", "d", txid="t", extra={"allowed": ["x"]}), 3, {"txid": "t", "allowed": ["x"]}),
    (ClientError(ErrorCode.OUTCOME_UNKNOWN, "d", txid="t"), 4, {"txid": "t"}),
    (ClientError(ErrorCode.OUTCOME_UNKNOWN, "d", txid="t", entity="tr1"), 4, {"txid": "t", "id": "tr1"}),
    (ClientError("gateway_unreachable", "d"), 1, {}),
    (MarketError(ErrorCode.UNKNOWN_LISTING, "d"), 3, {}),
    (AuditError("intent", "d", block=5, transaction=0), 1, {"block": 5, "transaction": 0}),
    (AuditError("unknown_trade", "d"), 3, {}),
]


@pytest.mark.parametrize(("error", "status", "members"), ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_is_one_document_or_one_line(
    error: Exception, status: int, members: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    code = str(error.code)  # type: ignore[attr-defined]  # all of these have one
    assert report(error, as_json=True) == status
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": {"code": code, "detail": "d", **members}}
    assert captured.err == ""
    assert report(error, as_json=False) == status
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {code}: d")
    # The ids of what has an unknown outcome are what the command is left with, what it makes first.
    assert captured.out.split() == (
        [members[name] for name in ("id", "txid") if name in members] * (status == UNKNOWN)
    )


def test_what_was_made_before_an_error_is_in_its_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ClientError("insufficient_funds", "d"), as_json=True, made={"listing": "dc1x", "txid": "t"}) == 3
    assert json.loads(capsys.readouterr().out) == {
        "listing": "dc1x",
        "txid": "t",
        "error": {"code": "insufficient_funds", "detail": "d"},
    }


def test_a_mistake_of_ours_is_told_with_its_trace_and_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyError("detail"), as_json=True) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": {"code": "internal", "detail": "KeyError"}}
    assert "Traceback" in captured.err or "KeyError" in captured.err


def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    result = run("--home", tmp_path / "h", "--passphrase-file", tmp_path / "none", "account", "new", "--offline")
    assert result.status == 1
    assert result.err == f"error: file: {tmp_path / 'none'}: No such file or directory\n"


USAGE: dict[str, tuple[str, ...]] = {
    "no such noun": ("nonsense",),
    "no such verb": ("trade", "nonsense"),
    "no such option": ("trade", "list", "--nonsense"),
    "no listing": ("trade", "buy"),
    "no gateway": ("trade", "list"),
    "no passphrase": ("--gateway", "https://g", "trade", "list"),
    "no such file": ("fingerprint", "compute", "/nonexistent"),
    "price of letters": ("listing", "offer", "dc1x", "--price", "ten"),
    "price of nothing": ("listing", "offer", "dc1x", "--price", "0"),
    "price with a fraction": ("listing", "offer", "dc1x", "--price", "1.5"),
    "amount below zero": ("account", "fund", "--", "-5"),
    "amount above 2^63-1": ("account", "fund", str(2**63)),
    "no such state": ("trade", "wait", "tr1x", "SENTT"),
    "words that are no text": ("listing", "list", "--query", "\udcff"),
    "a reference that is no text": ("account", "fund", "5", "--reference", "\udcff"),
    "no such reason": ("trade", "dispute", "tr1x", "--reason", "dislike"),
    "a gateway file that is not there": ("--gateway", "/nonexistent.json", "listing", "list"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_is_status_2(run: Run, tmp_path: Path, name: str) -> None:
    result = run("--home", tmp_path / "home", *USAGE[name])
    assert (result.status, result.out) == (2, "")
    assert result.err


@pytest.mark.parametrize("name", USAGE)
def test_usage_is_one_document_too(run: Run, tmp_path: Path, name: str) -> None:
    result = run("--home", tmp_path / "home", "--json", *USAGE[name])
    assert result.status == 2
    assert set(result.json["error"]) == {"code", "detail"}
    assert result.json["error"]["code"] == "usage"


@pytest.mark.parametrize("content", ["", "[]", "{}", "https://g", "[" * 9_000])
def test_a_malformed_gateway_file_is_usage_too(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "gateway.json").write_text(content)
    result = run("--home", tmp_path / "home", "--gateway", tmp_path / "gateway.json", "listing", "list")
    assert result.status == 2
    assert "is no gateway file" in result.err


def test_a_gateway_that_is_not_spoken_to_by_https_is_an_error(run: Run, tmp_path: Path) -> None:
    result = run("--home", tmp_path / "home", "--gateway", "http://127.0.0.1:1", "listing", "list")
    assert result.status == 1
    assert "no https:// URL" in result.err


def test_help_and_version_are_status_0(run: Run) -> None:
    assert run("--help").status == run("trade", "--help").status == run("--version").status == 0


def test_whoever_stops_reading_gets_no_trace() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "from countermark.cli.main import main; main()", "--help"]
    done = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


PROGRAM = "from countermark.cli.main import main; main()"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
def test_an_output_that_takes_nothing_is_one_line_and_no_trace(tmp_path: Path, options: tuple[str, ...]) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    shared = ("--home", tmp_path / "home", "--passphrase-file", passphrase)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, shared), "account", "new", "--offline", *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
def test_an_interrupted_command_is_status_1_with_one_line_or_document(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Home, "accounts", interrupt)
    result = run("--home", tmp_path, "account", "list", *options)
    assert result.status == 1
    if options:
        assert result.json["error"]["code"] == "interrupted"
    else:
        assert (result.out, result.err.strip()) == ("", "error: interrupted")


# Passphrases


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_prompt_comes_on_a_terminal_only_and_twice_for_new_keys(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def prompt(_text: str, *, hide_input: bool, confirmation_prompt: bool, err: bool) -> str:
        assert hide_input
        assert err
        asked.append(confirmation_prompt)
        return PASSPHRASE

    monkeypatch.setattr(cli_session.click, "prompt", prompt)
    assert run("--home", tmp_path, "account", "new", "--offline").status == 2
    assert asked == []
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert run("--home", tmp_path, "account", "new", "--offline").status == 0
    assert asked == [True]
    assert run("--home", tmp_path, "--gateway", "https://127.0.0.1:1", "trade", "list").status == 1
    assert asked == [True, False]


@pytest.mark.parametrize("content", ["", "\n", "\r\n"])
def test_an_empty_passphrase_protects_nothing_and_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "pass").write_text(content)
    result = run("--home", tmp_path / "home", "--passphrase-file", tmp_path / "pass", "account", "new", "--offline")
    assert result.status == 2
    assert not (tmp_path / "home").exists()


def test_a_wrong_passphrase_is_an_error_that_does_not_repeat_it(run: Run, tmp_path: Path, passphrase: Path) -> None:
    home = ("--home", tmp_path / "home", "--gateway", "https://127.0.0.1:1")
    assert run(*home, "account", "new", "--offline", "--passphrase-file", passphrase).status == 0
    (tmp_path / "wrong").write_text("wrong horse")
    result = run(*home, "trade", "list", "--passphrase-file", tmp_path / "wrong")
    assert result.status == 1
    assert "refused_here" in result.err
    assert "horse" not in result.err + result.out

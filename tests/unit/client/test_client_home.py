"""What lies on a trader's disk: private, whole, encrypted, and bound to its place."""

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from countermark.client import files, keystore
from countermark.client import home as client_home
from countermark.client.errors import ClientError
from countermark.client.files import private_folder, replacing, write_private
from countermark.client.home import Home, Profile
from countermark.client.keystore import Keys
from countermark.client.vault import Vault
from countermark.protocol import market
from countermark.protocol.accounts import AccountKey
from countermark.protocol.market import MarketConfig, PublicKey
from countermark.protocol.sealed import EncryptionKey
from tests.support.market import config_json

PASSPHRASE = b"correct horse"


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys.generate()


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


# Files


def test_missing_parents_are_private_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_folder(tmp_path / "a" / "b" / "c")
        private_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert set(modes(tmp_path).values()) == {0o700}


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OSError, match="a"):
        private_folder(tmp_path / "a")


def test_a_file_appears_whole_and_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with replacing(tmp_path / "file") as file:
            file.write(b"half")
            file.flush()
            assert not (tmp_path / "file").exists()
            file.write(b" and half")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"half and half"
    assert modes(tmp_path) == {"file": 0o600}


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    write_private(tmp_path / "file", b"old")

    def interrupted() -> None:
        with replacing(tmp_path / "file") as file:
            file.write(b"new")
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert list(modes(tmp_path)) == ["file"]


def test_a_killed_writer_leaves_nothing_under_the_final_name(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from countermark.client.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'plain'); file.flush(); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "file")], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "file").exists()
    assert set(modes(tmp_path).values()) == {0o600}


def test_what_was_written_is_on_the_disk_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        files.os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd))
    )
    write_private(tmp_path / "file", b"data")
    assert synced[0].endswith(".partial")
    assert synced[1] == str(tmp_path)


# Keystore


def test_a_keystore_gives_back_what_was_saved(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "keys.json"
    keystore.save(path, keys, PASSPHRASE)
    loaded = keystore.load(path, PASSPHRASE)
    assert loaded.address == keys.address == keystore.address_in(path)
    assert loaded.account.to_bytes() == keys.account.to_bytes()
    assert {v: key.to_bytes() for v, key in loaded.encryption.items()} == {1: keys.encryption[1].to_bytes()}
    assert loaded.vault == keys.vault
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_secret_shows_in_the_file_or_in_a_repr(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "keys.json"
    keystore.save(path, keys, PASSPHRASE)
    from countermark.protocol.encoding import b64u

    secrets = [keys.account.to_bytes(), keys.encryption[1].to_bytes(), keys.vault, PASSPHRASE]
    for text in (path.read_text(), repr(keys), repr(keys.encryption)):
        for secret in secrets:
            assert b64u(secret) not in text
            assert secret.hex() not in text
            assert str(secret) not in text


@pytest.mark.parametrize("passphrase", [b"", b"correct hors", b"correct horse\n", b"Correct horse"])
def test_a_wrong_passphrase_opens_nothing_and_says_only_that(tmp_path: Path, keys: Keys, passphrase: bytes) -> None:
    keystore.save(tmp_path / "keys.json", keys, PASSPHRASE)
    with pytest.raises(ClientError, match="passphrase does not open") as caught:
        keystore.load(tmp_path / "keys.json", passphrase)
    assert caught.value.code == "refused_here"


@pytest.mark.parametrize("name", ["address", "salt", "nonce", "ciphertext", "v"])
def test_every_altered_member_of_a_keystore_is_found(tmp_path: Path, keys: Keys, name: str) -> None:
    path = tmp_path / "keys.json"
    keystore.save(path, keys, PASSPHRASE)
    document = json.loads(path.read_text())
    other = Keys.generate()
    document[name] = {
        "address": other.address,
        "v": 2,
        "ciphertext": "A" * len(document["ciphertext"]),
    }.get(name, "A" * len(str(document[name])))
    path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")))
    with pytest.raises(ClientError) as caught:
        keystore.load(path, PASSPHRASE)
    assert caught.value.code == "refused_here"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"v":1}', b'{"v":1,"v":1}'])
def test_what_is_no_keystore_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    for act in (lambda: keystore.load(path, PASSPHRASE), lambda: keystore.address_in(path)):
        with pytest.raises(ClientError, match="is no keystore"):
            act()


def test_a_ciphertext_that_is_no_base64url_is_no_refusal_of_the_market(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "keys.json"
    keystore.save(path, keys, PASSPHRASE)
    document = json.loads(path.read_text())
    document["ciphertext"] += "="
    path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")))
    with pytest.raises(ClientError, match="is no keystore"):
        keystore.load(path, PASSPHRASE)


# Vault


def test_a_vault_is_encrypted_and_private(tmp_path: Path, keys: Keys) -> None:
    home = Home(tmp_path / "home")
    vault = home.vault(keys)
    vault.put("trades", "tr1abc", {"key": "very-secret"})
    assert vault.get("trades", "tr1abc") == {"key": "very-secret"}
    assert vault.get("trades", "tr1other") is None
    assert vault.names("trades") == ["tr1abc"]
    assert vault.names("receipts") == []
    for path in home.path.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert path.is_dir() or b"very-secret" not in path.read_bytes()


def test_a_record_moved_altered_or_of_another_account_is_found(tmp_path: Path, keys: Keys) -> None:
    vault = Vault(tmp_path, keys.vault)
    vault.put("trades", "one", {"n": 1})
    file = tmp_path / "trades" / "one"
    (tmp_path / "trades" / "two").write_bytes(file.read_bytes())
    (tmp_path / "listings").mkdir()
    (tmp_path / "listings" / "one").write_bytes(file.read_bytes())
    (tmp_path / "trades" / "short").write_bytes(b"x")
    (tmp_path / "trades" / "empty").write_bytes(b"")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    (tmp_path / "trades" / "flipped").write_bytes(data)
    for kind, name in (
        *(("trades", name) for name in ("two", "short", "empty", "flipped")),
        ("listings", "one"),
    ):
        with pytest.raises(ClientError, match="was altered"):
            vault.get(kind, name)
    with pytest.raises(ClientError, match="was altered"):
        Vault(tmp_path, b"o" * 32).get("trades", "one")


@pytest.mark.parametrize("name", ["", "../one", "a/b", ".hidden", "A" * 101, "a\x00"])
def test_no_name_leads_out_of_a_vault(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClientError):
        Vault(tmp_path, b"k" * 32).put("trades", name, {})
    assert list(tmp_path.iterdir()) == []


# Home


def test_a_new_home_is_closed_to_others_from_the_start(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = Home(tmp_path / "deep" / "home")
        made.create_account("default", PASSPHRASE)
        given = tmp_path / "given"
        given.mkdir(mode=0o755)
        Home(given).create_account("default", PASSPHRASE)
    finally:
        os.umask(before)
    for folder in (made.path, given):
        assert folder.stat().st_mode & 0o777 == 0o700
        for path in folder.rglob("*"):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_with_other_things_in_it_is_left_as_open_as_it_was(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "notes").write_text("of somebody")
    Home(shared).create_account("default", PASSPHRASE)
    assert shared.stat().st_mode & 0o777 == 0o755
    assert (shared / "accounts").stat().st_mode & 0o777 == 0o700


def test_the_account_made_last_is_used_unless_another_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    first = home.create_account("first", PASSPHRASE)
    second = home.create_account("second", PASSPHRASE)
    assert home.accounts() == {"first": first.address, "second": second.address}
    assert home.open_account(PASSPHRASE).address == second.address
    assert home.open_account(PASSPHRASE, "first").address == first.address


def test_an_account_is_never_made_over_another(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    keys = home.create_account("default", PASSPHRASE)
    with pytest.raises(ClientError, match="already"):
        home.create_account("default", PASSPHRASE)
    assert home.open_account(PASSPHRASE).address == keys.address


def test_of_two_accounts_of_one_name_made_at_the_same_moment_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    generate = Keys.generate

    def together() -> Keys:
        # Both have seen that there is none.
        both.wait(30)
        return generate()

    monkeypatch.setattr(Keys, "generate", together)
    home = Home(tmp_path / "home")
    made: list[str] = []
    refused: list[ClientError] = []

    def make() -> None:
        try:
            made.append(home.create_account("default", PASSPHRASE).address)
        except ClientError as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 1)
    assert "already" in refused[0].detail
    assert home.open_account(PASSPHRASE).address == made[0]


def test_what_two_processes_remember_at_the_same_moment_is_all_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    home.update_profile(account="default")
    writing, go = threading.Event(), threading.Event()
    write = client_home.write_private

    def slowly(path: Path, data: bytes, *, clobber: bool = True) -> None:
        writing.set()
        assert go.wait(30)
        write(path, data, clobber=clobber)

    monkeypatch.setattr(client_home, "write_private", slowly)
    first = threading.Thread(target=lambda: home.update_profile(gateway="https://g"))
    second = threading.Thread(target=lambda: home.update_profile(ca_file="ca.pem"))
    first.start()
    assert writing.wait(30)
    second.start()
    go.set()
    first.join()
    second.join()
    assert home.profile == Profile(gateway="https://g", ca_file="ca.pem", account="default")


@pytest.mark.parametrize("links", [True, False], ids=["with hard links", "without"])
def test_a_file_is_never_put_over_another_where_that_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    write_private(tmp_path / "one", b"first", clobber=False)
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "one", b"second", clobber=False)
    write_private(tmp_path / "one", b"third")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("one", b"third")]


# The market that a home belongs to

CONFIG = market.parse(config_json())


def with_platform(**changes: Any) -> MarketConfig:
    return replace(CONFIG, platform=replace(CONFIG.platform, **changes))


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("other/countermark", CONFIG),
        ("market/countermark", with_platform(account=AccountKey.generate().address)),
        ("market/countermark", with_platform(encryption_key=PublicKey(1, EncryptionKey.generate().public))),
    ],
    ids=["another name", "another platform", "another key of the same version"],
)
def test_a_gateway_cannot_put_another_market_in_the_place_of_the_first(
    tmp_path: Path, name: str, config: MarketConfig
) -> None:
    home = Home(tmp_path / "home")
    home.trust("market/countermark", CONFIG, save=True)
    for save in (True, False):
        with pytest.raises(ClientError) as caught:
            home.trust(name, config, save=save)
        assert caught.value.code == "refused_here"
    home.trust("market/countermark", CONFIG, save=True)


def test_a_key_may_be_followed_by_a_newer_one_and_never_again_by_an_older(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.trust("market/countermark", CONFIG, save=True)
    newer = with_platform(encryption_key=PublicKey(2, EncryptionKey.generate().public))
    home.trust("market/countermark", newer, save=True)
    home.trust("market/countermark", newer, save=True)
    with pytest.raises(ClientError):
        home.trust("market/countermark", CONFIG, save=True)


def test_nothing_is_remembered_of_a_market_that_is_only_looked_at(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.trust("market/countermark", CONFIG, save=False)
    assert not home.path.exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"keys":{"x":"y"}}'])
def test_a_malformed_memory_of_the_market_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "market.json").write_text(content)
    with pytest.raises(ClientError, match="malformed"):
        Home(tmp_path).trust("market/countermark", CONFIG, save=False)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".", "a b", "ä", "x" * 65, "-x"])
def test_an_accounts_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClientError):
        Home(tmp_path / "home").create_account(name, PASSPHRASE)
    assert not (tmp_path / "home").exists()


def test_a_home_without_the_account_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(ClientError, match="no account yet"):
        home.open_account(PASSPHRASE)
    with pytest.raises(ClientError, match="no account other"):
        home.open_account(PASSPHRASE, "other")
    assert home.accounts() == {}


@pytest.mark.parametrize("content", ["", "[]", "null", '{"gateway": 5}', '{"unknown": "x"}', "\x00", "[" * 9_000])
def test_a_malformed_profile_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "profile.json").write_text(content)
    with pytest.raises(ClientError, match="malformed"):
        _ = Home(tmp_path).profile


def test_a_profile_remembers_what_was_changed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert home.profile == Profile()
    home.update_profile(gateway="https://g")
    home.update_profile(account="default")
    assert home.profile == Profile(gateway="https://g", account="default")

"""Configuration and keys: read strictly, secrets kept to their owner."""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from countermark.gateway import config, keys
from countermark.gateway.config import MemberConfig, PlatformAddress, PlatformConfig
from countermark.gateway.limits import Limits
from countermark.gateway.services import from_config
from countermark.protocol.encoding import b64u
from countermark.protocol.errors import ErrorCode
from tests.support.market import PLATFORM, actor, refused

DOCUMENT: dict[str, Any] = {
    "market": "market/countermark",
    "connections": ["/data/connection/platform.json", "/data/connection/supervisor.json"],
    "database_url": "postgresql:///market",
    "objects": "/data/objects",
    "spool": "/data/spool",
    "keys_file": "/data/keys.json",
    "host": "127.0.0.1",
    "port": 8443,
    "tls_cert_file": "/data/cert.pem",
    "tls_key_file": "/data/key.pem",
    "faucet": True,
    "threads": 16,
}
PLATFORM_ACTOR = actor("platform", PLATFORM)
KEYS: dict[str, Any] = {
    "account": b64u(PLATFORM_ACTOR.key.to_bytes()),
    "encryption": {"1": b64u(PLATFORM_ACTOR.encryption.to_bytes())},
    "table": b64u(b"t" * 32),
    "issuer": None,
}


MEMBER: dict[str, Any] = {
    **{name: value for name, value in DOCUMENT.items() if name not in ("objects", "spool", "faucet")},
    "platform": {"url": "https://market.example:8443", "ca_file": "/data/platform-ca.pem"},
}


def of_platform(path: Path, environment: dict[str, str]) -> PlatformConfig:
    loaded = config.load(path, environment)
    assert isinstance(loaded, PlatformConfig)
    return loaded


def written(folder: Path, document: object, mode: int = 0o600) -> Path:
    path = folder / "file.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(mode)
    return path


def test_configuration_is_read(tmp_path: Path) -> None:
    loaded = of_platform(written(tmp_path, DOCUMENT), {})
    assert (loaded.url, loaded.threads, loaded.objects) == ("https://127.0.0.1:8443", 16, "/data/objects")
    assert loaded.database_url == "postgresql:///market"
    assert [path.name for path in loaded.connections] == ["platform.json", "supervisor.json"], "in this order"


def test_limits_and_networks_are_the_usual_ones_unless_they_are_named(tmp_path: Path) -> None:
    loaded = of_platform(written(tmp_path, DOCUMENT), {})
    assert (loaded.limits, loaded.webhooks_allow) == (Limits(), ())
    named = {"limits": {"account": 5}, "webhooks_allow": ["10.1.0.0/16", "fd00::/8"]}
    loaded = of_platform(written(tmp_path, DOCUMENT | named), {})
    assert loaded.limits == Limits(account=5, address=Limits().address)
    assert loaded.webhooks_allow == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))


def test_environment_names_another_database_and_object_store(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://db.example/market", "OBJECTS_URL": "s3://bucket/market"}
    loaded = of_platform(written(tmp_path, DOCUMENT), environment)
    assert [loaded.database_url, loaded.objects] == list(environment.values())


@pytest.mark.parametrize(
    "change",
    [
        *({"port": 0}, {"port": "8443"}, {"port": True}, {"threads": 3}, {"faucet": 1}, {"faucet": "yes"}),
        *({"market": ""}, {"more": 1}, {"host": 5}, {"objects": ""}),
        *({"connections": []}, {"connections": "/data/platform.json"}, {"connections": [""]}),
        *({"limits": {"account": 0}}, {"limits": {"more": 1}}, {"limits": 5}, {"limits": None}),
        *({"webhooks_allow": "10.0.0.0/8"}, {"webhooks_allow": ["10.0.0.1/8"]}, {"webhooks_allow": ["all"]}),
    ],
)
def test_malformed_configuration_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        config.load(written(tmp_path, DOCUMENT | change), {})


def test_configuration_that_names_the_platform_is_a_member_s(tmp_path: Path) -> None:
    loaded = config.load(written(tmp_path, MEMBER), {"OBJECTS_URL": "s3://bucket/market"})
    assert isinstance(loaded, MemberConfig)
    assert loaded.platform == PlatformAddress(
        url="https://market.example:8443", ca_file=Path("/data/platform-ca.pem")
    )
    plain = config.load(written(tmp_path, MEMBER | {"platform": {"url": "https://market.example/"}}), {})
    assert isinstance(plain, MemberConfig)
    assert plain.platform == PlatformAddress(url="https://market.example")


@pytest.mark.parametrize("name", ["objects", "spool", "faucet", "webhooks_allow", "forwards", "search_price"])
def test_member_has_nothing_that_is_the_platform_s(tmp_path: Path, name: str) -> None:
    value = {**DOCUMENT, "webhooks_allow": [], "forwards": [], "search_price": "5"}[name]
    with refused(ErrorCode.MALFORMED_REQUEST):
        config.load(written(tmp_path, MEMBER | {name: value}), {})


@pytest.mark.parametrize(
    "platform",
    [
        *({}, {"url": "http://market.example"}, {"url": "https://"}, {"url": "https://market.example/v1"}),
        *(
            {"url": "https://a@market.example"},
            {"url": "https://market.example?a"},
            {"url": 5},
            "https://market.example",
        ),
        {"url": "https://market.example", "more": 1},
    ],
)
def test_platform_that_is_no_address_is_refused(tmp_path: Path, platform: Any) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        config.load(written(tmp_path, MEMBER | {"platform": platform}), {})


def test_the_price_of_a_search_is_an_amount(tmp_path: Path) -> None:
    assert of_platform(written(tmp_path, DOCUMENT), {}).search_price == 10
    assert of_platform(written(tmp_path, DOCUMENT | {"search_price": "25"}), {}).search_price == 25
    for malformed in ("0", "-1", "1.5", "", 25):
        with refused(ErrorCode.MALFORMED_AMOUNT):
            config.load(written(tmp_path, DOCUMENT | {"search_price": malformed}), {})


def test_authorities_of_members_are_read_as_they_stand_in_urls(tmp_path: Path) -> None:
    named = {"forwards": ["Trade.example:8443", "trade.example", "[::1]:8443"]}
    loaded = of_platform(written(tmp_path, DOCUMENT | named), {})
    assert loaded.forwards == ("trade.example:8443", "trade.example", "[::1]:8443")
    for malformed in ("", "https://trade.example", "trade.example/", "*", "trade.example:", 5):
        with refused(ErrorCode.MALFORMED_REQUEST):
            config.load(written(tmp_path, DOCUMENT | {"forwards": [malformed]}), {})


def test_member_s_keys_are_one_and_never_shown(tmp_path: Path) -> None:
    loaded = keys.load_of_member(written(tmp_path, {"table": KEYS["table"]}))
    assert loaded.table == b"t" * 32
    assert KEYS["table"] not in repr(loaded)
    assert "t" * 32 not in repr(loaded)
    for other in (KEYS, {}, {"table": b64u(b"t" * 31)}):
        with refused(ErrorCode.MALFORMED_REQUEST):
            keys.load_of_member(written(tmp_path, other))


@pytest.mark.parametrize("name", DOCUMENT)
def test_incomplete_configuration_is_refused(tmp_path: Path, name: str) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        config.load(written(tmp_path, {key: value for key, value in DOCUMENT.items() if key != name}), {})


def test_missing_files_are_named(tmp_path: Path) -> None:
    for load in (config.load, keys.load):
        with refused(ErrorCode.MALFORMED_REQUEST) as caught:
            load(tmp_path / "nowhere.json")
        assert "nowhere.json" in caught.value.detail


def test_keys_are_read_and_never_shown(tmp_path: Path) -> None:
    loaded = keys.load(written(tmp_path, KEYS))
    assert loaded.account.address == PLATFORM_ACTOR.address
    assert loaded.issuer is None
    for secret in (KEYS["account"], KEYS["encryption"]["1"], KEYS["table"], "t" * 32):
        assert secret not in repr(loaded)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_keys_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST):
        keys.load(written(tmp_path, KEYS, mode))


@pytest.mark.parametrize(
    "change",
    [
        *({"table": b64u(b"t" * 31)}, {"account": "x"}, {"issuer": 5}, {"encryption": {}}, {"more": 1}),
        {"encryption": {"one": KEYS["encryption"]["1"]}},
        {"encryption": {"1": b64u(b"k" * 95)}},
    ],
)
def test_malformed_keys_are_refused_without_quoting_them(tmp_path: Path, change: dict[str, Any]) -> None:
    with refused(ErrorCode.MALFORMED_REQUEST) as caught:
        keys.load(written(tmp_path, KEYS | change))
    assert KEYS["account"] not in str(caught.value)


def test_certificate_must_name_hosts(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text("no certificate")
    loaded = of_platform(written(tmp_path, DOCUMENT | {"tls_cert_file": str(certificate)}), {})
    with refused(ErrorCode.MALFORMED_REQUEST):
        from_config(loaded)

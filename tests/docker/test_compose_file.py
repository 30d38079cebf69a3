"""The compose file of the platform: valid, the same for both generations of compose, and closed where it can be."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.docker.test_dockerfiles import PINNED
from tests.support.docker import compose
from tests.support.docker.files import COMPOSE, FOLDER, IMAGES, variables

EXAMPLE = FOLDER / ".env.example"
SERVICES = ("database", "gateway", "metrics", "worker")

KNOWN_TO_BOTH = {
    *("build", "cap_drop", "command", "cpus", "depends_on", "environment", "healthcheck", "image", "init", "logging"),
    *("mem_limit", "networks", "pids_limit", "ports", "read_only", "restart", "secrets", "security_opt", "shm_size"),
    *("stop_grace_period", "stop_signal", "tmpfs", "user", "volumes"),
}
"""Keys of a service that docker-compose 1.28 to 1.29 and `docker compose` take without Swarm, to the same effect."""

by_service = pytest.mark.parametrize("service", SERVICES)


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose.read(COMPOSE)["services"]
    return found


def example() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_compose_itself_accepts_the_file_and_warns_of_nothing() -> None:
    """Where no compose is installed, the rules below are all that is checked."""
    assert sorted(services()) == list(SERVICES)
    for program in compose.programs():
        done = compose.config(program, COMPOSE, env_file=EXAMPLE)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert sorted(yaml.safe_load(done.stdout)["services"]) == list(SERVICES)


def test_the_file_says_nothing_that_one_of_both_does_not_know() -> None:
    document = compose.read(COMPOSE)
    assert {key for key in document if not key.startswith("x-")} == {"services", "secrets", "volumes", "networks"}
    assert not {key for service in document["services"].values() for key in service} - KNOWN_TO_BOTH


def test_the_example_names_every_variable_with_what_holds_without_it() -> None:
    used = variables(COMPOSE.read_text())
    given = example()
    for name, defaults in used.items():
        assert {given[name]} == defaults, name
    # The rest is for the network's own compose file.
    others = {name for name in set(given) - set(used) if not re.match("(CHAINCODE|FABRIC|ORDERER|PEER)_", name)}
    assert others == {"COUNTERMARK_LEDGER_PUBLISH"}


def test_every_image_is_pinned() -> None:
    loose = [name for name, value in example().items() if name.endswith("IMAGE") and not PINNED.fullmatch(value)]
    # PostgreSQL counts releases with two numbers.
    assert loose == ["POSTGRES_IMAGE"]
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", example()["POSTGRES_IMAGE"])


@by_service
def test_no_process_is_root_or_may_become_it_or_change_its_image(service: str) -> None:
    one = services()[service]
    user, _, group = one["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]


@by_service
def test_every_process_has_limits_comes_back_and_is_given_time_to_end(service: str) -> None:
    one = services()[service]
    assert re.fullmatch(r"\d+[mg]", one["mem_limit"])
    assert float(one["cpus"]) > 0
    assert one["pids_limit"] > 0
    assert one["restart"] == "unless-stopped"
    assert one["init"] is True
    # gateway.server.GRACE_S and gateway.worker.END_S are 10 s.
    assert int(one["stop_grace_period"].removesuffix("s")) >= 30
    assert one["logging"]["options"]["max-size"]


@by_service
def test_every_process_is_asked_for_its_health(service: str) -> None:
    """Ours by what stands in their images."""
    assert (service in IMAGES) != ("healthcheck" in services()[service])


def test_nothing_is_published_beyond_this_machine_by_default() -> None:
    published = [port for one in services().values() for port in one.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_database_is_reached_by_gateway_and_worker_alone() -> None:
    document = compose.read(COMPOSE)
    assert document["networks"]["data"] == {"internal": True}
    assert services()["database"]["networks"] == ["data"]
    assert {name for name, one in services().items() if "data" in one["networks"]} == {
        "database",
        "gateway",
        "worker",
    }


def test_nothing_starts_before_its_database_answers() -> None:
    for name in ("gateway", "worker"):
        assert services()[name]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_secrets_are_files_given_to_those_who_need_them() -> None:
    secrets = compose.read(COMPOSE)["secrets"]
    assert all(one["file"] == f"../countermark-platform/secrets/{name}" for name, one in secrets.items())
    given = {name: set(one.get("secrets", [])) for name, one in services().items()}
    assert given == {
        "database": {"database-password"},
        "gateway": {"gateway.json", "keys.json", "ledger-key.pem", "tls-key.pem"},
        # Whoever has no need of a key cannot lose it.
        "worker": {"gateway.json", "keys.json", "ledger-key.pem"},
        "metrics": set(),
    }


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{key}={inner}" if isinstance(inner, str) else ""
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def test_no_environment_holds_a_secret() -> None:
    """An environment is read by whoever may ask the engine, and is inherited."""
    for one in services().values():
        for text in _texts(one.get("environment", {})):
            assert not re.search(r"(?i)passw|secret|key", text) or "_FILE=/run/secrets/" in text


def test_the_values_of_statements_stay_out_of_the_log_of_the_database() -> None:
    command = services()["database"]["command"]
    assert {"log_min_error_statement=panic", "log_error_verbosity=terse"} <= set(command)

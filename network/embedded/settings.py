"""The settings of an embedded peer, `embedded.json` in its folder, and the names of what lies beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from countermark.network.embedded.errors import SettingsError
from countermark.network.embedded.ordering import Batching
from countermark.network.identities.files import write_file
from countermark.network.lifecycle.definition import (
    Collection,
    Definition,
    DefinitionError,
    policy_from_json,
    policy_to_json,
)


@dataclass(frozen=True, slots=True)
class OrganisationSettings:
    """An organisation: `name` names its files, `chaincode` is host:port of its chaincode server, empty if unknown."""

    name: str
    msp_id: str
    chaincode: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an embedded peer serves, and how."""

    channel: str
    definition: Definition
    package_id: str
    """Id as which chaincode servers must register."""
    organisations: tuple[OrganisationSettings, ...]
    host: str = "127.0.0.1"
    batching: Batching = field(default_factory=Batching)
    time_window_ms: int = 5_000
    """How far a proposal's timestamp may be from the peer's clock (peer.authentication.timewindow)."""
    execute_timeout_s: float = 30.0
    """How long a chaincode may run (chaincode.executetimeout)."""

    def with_chaincode(self, addresses: Mapping[str, str]) -> "Settings":
        """Return these settings with other chaincode servers, host:port by MSP id.

        Raises:
            SettingsError: An MSP id is not that of an organisation here.
        """
        unknown = set(addresses) - {one.msp_id for one in self.organisations}
        if unknown:
            raise SettingsError("unknown_organisation", ", ".join(sorted(unknown)))
        return replace(
            self,
            organisations=tuple(
                replace(one, chaincode=addresses.get(one.msp_id, one.chaincode)) for one in self.organisations
            ),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in the folder of an embedded peer."""

    directory: Path

    @property
    def settings_file(self) -> Path:
        """The settings; written last, so a folder that has them is whole."""
        return self.directory / "embedded.json"

    @property
    def genesis_file(self) -> Path:
        """The channel's configuration, block 0."""
        return self.directory / "genesis.block"

    @property
    def ledger(self) -> Path:
        """Blocks, state and private data."""
        return self.directory / "ledger"

    @property
    def ports_file(self) -> Path:
        """The ports that the endpoints took at the first start and keep."""
        return self.directory / "ports.json"

    @property
    def connection(self) -> Path:
        """Connection profiles; there while the endpoints answer."""
        return self.directory / "connection"

    def organisation(self, name: str) -> Path:
        """Return the folder of an organisation's key material."""
        return self.directory / "organisations" / name


def save(settings: Settings, path: Path) -> None:
    """Write `settings` to `path`.

    Raises:
        DefinitionError: A policy wants other signatures than those of peers.
    """
    definition = settings.definition
    document = {
        "channel": settings.channel,
        "host": settings.host,
        "chaincode": {
            "name": definition.name,
            "version": definition.version,
            "package_id": settings.package_id,
            "policy": policy_to_json(definition.policy),
            "collections": [_collection_to_json(one) for one in definition.collections],
        },
        "organisations": [
            {"name": one.name, "msp_id": one.msp_id, "chaincode": one.chaincode} for one in settings.organisations
        ],
        "batching": settings.batching._asdict(),
        "time_window_ms": settings.time_window_ms,
        "execute_timeout_s": settings.execute_timeout_s,
    }
    write_file(path, (json.dumps(document, indent=2) + "\n").encode())


def load(path: Path) -> Settings:
    """Return the settings in `path`.

    Raises:
        SettingsError: It cannot be read, is not JSON, or a member is missing, unknown or of the wrong kind.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError("no_settings", f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError("malformed_settings", f"{path}: not JSON") from error
    try:
        return _parse(document)
    except DefinitionError as error:
        raise SettingsError(error.code, f"{path}: {error.detail}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError("malformed_settings", f"{path}: {error!r}") from error


def _parse(document: Mapping[str, Any]) -> Settings:
    chaincode = document["chaincode"]
    organisations = tuple(OrganisationSettings(**one) for one in document["organisations"])
    if not organisations or len({one.msp_id for one in organisations}) != len(organisations):
        raise SettingsError("malformed_settings", "organisations must have different MSP ids")
    return Settings(
        channel=str(document["channel"]),
        host=str(document["host"]),
        definition=Definition(
            name=str(chaincode["name"]),
            version=str(chaincode["version"]),
            policy=policy_from_json(chaincode["policy"]),
            collections=_collections(chaincode["collections"]),
        ),
        package_id=str(chaincode["package_id"]),
        organisations=organisations,
        batching=Batching(**document["batching"]),
        time_window_ms=int(document["time_window_ms"]),
        execute_timeout_s=float(document["execute_timeout_s"]),
    )


def _collections(document: Sequence[Mapping[str, Any]]) -> tuple[Collection, ...]:
    return tuple(
        Collection(
            name=str(one["name"]),
            members=frozenset(one["members"]),
            policy=policy_from_json(one["policy"]) if one.get("policy") is not None else None,
        )
        for one in document
    )


def _collection_to_json(collection: Collection) -> dict[str, object]:
    policy = None if collection.policy is None else policy_to_json(collection.policy)
    return {"name": collection.name, "members": sorted(collection.members), "policy": policy}

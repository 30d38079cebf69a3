"""What gateway and worker find in their containers: configuration, keys, certificates, connection files."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from countermark.cli.platform.certificate import gateway_certificate
from countermark.cli.platform.folder import ETC, SECRETS, STATE, PlatformFolder
from countermark.cli.up.data import platform_keys
from countermark.network.client import ConnectionProfile

PORT = 8443
"""Where the gateway listens in its container."""

METRICS_PORT = 9464
"""Where the worker shows its figures; docker/prometheus/prometheus.yml asks there."""

Group = Mapping[str, object]
"""Targets with their labels, as Prometheus' file_sd_config has them."""

LOCAL = ("localhost", "127.0.0.1", "gateway")
"""Names under which the gateway is always reached: from the host, and by its neighbours in containers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written."""

    profiles: Sequence[ConnectionProfile]
    """Peers that are asked, as containers reach them: the platform's own first."""
    names: Sequence[str]
    """Names and addresses under which clients reach the gateway, besides `LOCAL`."""
    ledger: str
    """Name of the engine's network in which the peers are."""
    faucet: bool = False
    targets: Mapping[str, Sequence[Group]] = field(default_factory=dict)
    """Nodes of which Prometheus asks figures, by kind."""
    threads: int = 16

    @property
    def market(self) -> str:
        """Channel/chaincode."""
        return f"{self.profiles[0].channel}/{self.profiles[0].chaincode}"


def write(folder: PlatformFolder, plan: Plan) -> list[str]:
    """Make the files of `plan` in `folder` as far as they are missing or other; return the names of those written.

    Keys and passwords that are there are kept.

    Raises:
        IdentityError: files of the gateway's authority are damaged.
        ProfileError: a file that a profile names cannot be read, or the profiles lead to several markets.
    """
    first, *others = plan.profiles
    for other in others:
        first.check_same_market(other)
    identity = first.identity()
    platform_keys(folder.roles)
    keys = (folder.roles.gateway / "keys.json").read_bytes()
    tls = gateway_certificate(folder.authority, sorted({*LOCAL, *plan.names}))
    password = _password(folder)
    private = {
        "database-password": password.encode(),
        "gateway.json": _document(_configuration(plan, password)),
        "keys.json": keys,
        "ledger-key.pem": first.key_file.read_bytes(),
        "tls-key.pem": tls.key,
    }
    public = {
        "gateway-cert.pem": tls.certificate,
        "gateway-ca.pem": tls.authority,
        "ledger-cert.pem": identity.certificate_pem,
    }
    for number, profile in enumerate(plan.profiles):
        public[f"connection/{number}-tlsca.pem"] = profile.tls_ca()
        public[f"connection/{number}.json"] = _document(_connection(profile, number))
    for kind, groups in plan.targets.items():
        public[f"targets/{kind}.json"] = _document(groups)
    changed = [name for name, data in private.items() if folder.write_secret(name, data)]
    changed += [name for name, data in public.items() if folder.write_public(name, data)]
    return changed + _compose_env(folder, plan)


def _configuration(plan: Plan, password: str) -> dict[str, object]:
    return {
        "market": plan.market,
        "connections": [f"{ETC}/connection/{number}.json" for number in range(len(plan.profiles))],
        "database_url": f"postgresql+psycopg2://countermark:{password}@database/countermark",
        "objects": f"{STATE}/objects",
        "spool": STATE,
        "keys_file": f"{SECRETS}/keys.json",
        "host": "0.0.0.0",  # noqa: S104 - within the container; compose.yaml says what is published
        "port": PORT,
        "tls_cert_file": f"{ETC}/gateway-cert.pem",
        "tls_key_file": f"{SECRETS}/tls-key.pem",
        "faucet": plan.faucet,
        "threads": plan.threads,
        "metrics": f"0.0.0.0:{METRICS_PORT}",
    }


def _connection(profile: ConnectionProfile, number: int) -> dict[str, str]:
    """Return `profile` as it stands in a container; all speak as the platform's own member."""
    return {
        "msp_id": profile.msp_id,
        "channel": profile.channel,
        "chaincode": profile.chaincode,
        "gateway": profile.gateway,
        "host_override": profile.host_override,
        "tls_ca_file": f"{number}-tlsca.pem",
        "cert_file": "../ledger-cert.pem",
        "key_file": f"{SECRETS}/ledger-key.pem",
    }


def _password(folder: PlatformFolder) -> str:
    path = folder.secret("database-password")
    # The database keeps the password with which it was made.
    return path.read_text() if path.exists() else secrets.token_urlsafe(24)


def _project_name(folder: str) -> str:
    """Return what compose calls the containers: of what it takes for a name, and never what a network is called."""
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.lower()).strip("-_")
    return name if name.endswith("-platform") else f"{name}-platform".lstrip("-")


def _compose_env(folder: PlatformFolder, plan: Plan) -> list[str]:
    lines = {
        "COMPOSE_PROJECT_NAME": _project_name(folder.path.name),
        "COUNTERMARK_PLATFORM": str(folder.path.absolute()),
        "COUNTERMARK_UID": str(folder.owner.uid),
        "COUNTERMARK_GID": str(folder.owner.gid),
        "COUNTERMARK_LEDGER": plan.ledger,
    }
    text = "".join(f"{name}={value}\n" for name, value in lines.items())
    if folder.compose_env.exists() and folder.compose_env.read_text() == text:
        return []
    folder.compose_env.write_text(text)
    return [folder.compose_env.name]


def _document(document: object) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"

"""What is looked for: every secret of the day by name, as it was made, sent, or lies with whom it belongs to."""

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from countermark.cli.up.data import platform_keys
from countermark.client.data import only
from countermark.client.examining import examine
from countermark.client.listings import recall
from countermark.protocol import sealed
from countermark.protocol.claim_papers import EVIDENCE_KIND
from countermark.protocol.encoding import unb64u
from countermark.protocol.packages.measuring import PackageReader
from countermark.protocol.packages.sealing import wrap_info
from countermark.protocol.sealed import open_sealed
from tests.secrets.needles import pieces
from tests.secrets.parties import Exchange, private_keys
from tests.secrets.story import Story

Secrets = Mapping[str, list[bytes]]

ROLES = ("supervisor", "arbiter", "substitute")
_KEY_BYTES = 32


def everything(story: Story) -> Secrets:
    """Return all secrets; no two have the same name."""
    found: dict[str, list[bytes]] = {}
    for some in (
        goods(story),
        traders(story),
        packages(story),
        texts(story),
        sealed_messages(story),
        evidence(story),
        operators(story),
    ):
        assert not found.keys() & some.keys()
        found |= some
    return found


def goods(story: Story) -> Secrets:
    """Return what is to be known of the data for sale, by their seller, the platform, or whoever reads a listing."""
    found: dict[str, list[bytes]] = {}
    files, prints = {name: one.data for name, one in story.goods.items()}, {"the sample": story.sample}
    for name, one in story.goods.items():
        data = examine(one.path, only([story.generator]))
        (prints[name],) = data.items
        held = recall(story.seller.vault, one.listing)
        found |= {
            f"root of {name}": [data.root],
            f"exact digest of {name}": [data.exact],
            f"salt_f of {name}": [held.salt_f],
            f"salt_exact of {name}": [held.salt_exact],
            f"title of {name}": [one.words.title.encode()],
            f"text of {name}": [one.words.text.encode()],
            f"tags of {name}": [tag.encode() for tag in one.words.tags],
        }
    for name, own in unlike(files).items():
        found[f"data of {name}"] = own
    for name, own in unlike(prints).items():
        found[f"fingerprint of {name}"] = own
    return found


def unlike(some: Mapping[str, bytes]) -> Secrets:
    """Return the pieces of each that none of the others has: pictures share tables, and a sample resembles."""
    return {
        name: [
            piece for piece in pieces(data) if not any(piece in other for key, other in some.items() if key != name)
        ]
        for name, data in some.items()
    }


def traders(story: Story) -> Secrets:
    """Return the private keys of those who trade, the trades' one-time keys, and what opens the homes."""
    found: dict[str, list[bytes]] = {}
    for person in story.parties:
        found |= private_keys(person.name, person.keys)
    found["one-time keys"] = [key.to_bytes() for key in story.one_time.values()]
    found["passphrase of the traders"] = [story.canaries.passphrase.encode()]
    found["name of the traders"] = [story.canaries.profile.encode()]
    found["name of the files"] = [story.canaries.file_name.encode()]
    return found


def packages(story: Story) -> Secrets:
    """Return the key under which each package is encrypted, which lies in it wrapped to the one-time key."""
    found = {}
    for name, one in story.goods.items():
        if one.trade:
            readers = [PackageReader(BytesIO(path.read_bytes())) for path in _package_files(story, one.trade)]
            key = story.one_time[one.trade]
            found[f"package key of {name}"] = [
                sealed.unwrap(key, reader.wrapped, info=wrap_info(reader.header.to_bytes()))[:_KEY_BYTES]
                for reader in readers
            ]
    return found


def package(story: Story, trade: str) -> bytes:
    """Return the first package of a trade as it lies in the object store."""
    return _package_files(story, trade)[0].read_bytes()


def _package_files(story: Story, trade: str) -> list[Path]:
    """Return where the packages of a trade lie, the first one first: a remedy comes later."""
    return sorted((story.data.objects / "packages" / trade).iterdir(), key=lambda path: path.stat().st_mtime_ns)


def texts(story: Story) -> Secrets:
    """Return what stood in headers, queries, paths and bodies, and in the path of a webhook."""
    words = ("authorization", "user_agent", "cookie", "referer", "query", "path", "body", "hook")
    return {f"canary in {word}": [getattr(story.canaries, word).encode()] for word in words}


def sealed_messages(story: Story) -> Secrets:
    """Return what was sent sealed to the platform: the random bytes of each notice, and the salts of descriptions."""
    found: dict[str, list[bytes]] = {}
    names = {one.words.title: name for name, one in story.goods.items()}
    for one in story.exchanges:
        for kind, plaintext in opened(story, one):
            if kind == "notice":
                notice = payload(plaintext)
                blind = notice["blind"]
                name = f"notice of the {notice['role']} of {story.name_of(notice['trade'])}"
                found[name] = [unb64u(blind), blind.encode()]
            elif kind == "listing" and (name := names.get(_title(plaintext), "")):
                found[f"salt_d of {name}"] = [unb64u(json.loads(plaintext)["opening"]["salt_d"])]
    return found


def evidence(story: Story) -> Secrets:
    """Return what either side of the claim has said and shown, for the supervisor alone."""
    return {f"evidence of the {side}": list(shown) for side, shown in story.evidence.items()}


def payload(token: bytes) -> dict[str, Any]:
    """Return the payload of a compact JWS."""
    document: dict[str, Any] = json.loads(unb64u(token.split(b".")[1].decode()))
    return document


def _title(application: bytes) -> str:
    return str(json.loads(application)["opening"]["description"].get("title", ""))


def opened(story: Story, one: Exchange) -> Iterator[tuple[str, bytes]]:
    """Yield kind and plaintext of what an exchange carried to the platform under its encryption key."""
    keys = {1: platform_keys(story.data).encryption}
    try:
        message = json.loads(one.sent.partition(b"\n")[2])["sealed"]
        kind = message["kind"]
    except (ValueError, KeyError, TypeError):
        return
    # What is the supervisor's alone passes through.
    if kind not in (story.canaries.body, EVIDENCE_KIND):
        yield kind, open_sealed(keys, message, kind=kind, market=story.market)


def operators(story: Story) -> Secrets:
    """Return the private keys of platform, supervisor, arbiters, and of the organisations' peers."""
    found: dict[str, list[bytes]] = {}
    for role in ROLES:
        found |= private_keys(role, story.data.role_keys(role))
    keys = json.loads((story.data.gateway / "keys.json").read_bytes())
    found["keys of the platform"] = [
        *(unb64u(keys[name]) for name in ("account", "table", "issuer")),
        unb64u(keys["encryption"]["1"]),
    ]
    found["pepper"] = [platform_keys(story.data).pepper]
    found["passphrase of the roles"] = [story.data.passphrase()]
    found["keys of the organisations"] = [
        _scalar(path.read_bytes()) for path in sorted(story.data.path.rglob("*key.pem"))
    ]
    return found


def _scalar(pem: bytes) -> bytes:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_numbers().private_value.to_bytes(_KEY_BYTES, "big")

"""The running hash that peers keep over their verdicts and over what these changed, from block 1 on.

Each block's hash covers, in this order: the validation codes, the last write of every key in the block (public ones
and the hashes of private ones, in a canonical order), and the hash of the block before. Two peers that agree on it
agree on the whole state. Orderers know nothing of it, and nobody signs it.
"""

import hashlib
from collections.abc import Iterable, Sequence

from countermark.network.blocks.codes import VALID
from countermark.network.blocks.rwsets import ReadWriteSet, Version
from countermark.network.blocks.values import Block
from countermark.network.errors import BlockError

_NO_VALUE = hashlib.sha256(b"").digest()
# Nearly all tags, lengths and counts are one byte, and there are dozens in each transaction.
_BYTE = tuple(bytes((value,)) for value in range(0x80))
_Key = tuple[str, str, bytes]
_Change = tuple[bytes, Version]


def commit_hash(number: int, previous: bytes, transactions: Sequence[tuple[int, ReadWriteSet]]) -> bytes:
    """Return the hash of block `number` after one with the hash `previous`; empty where a peer keeps none.

    It keeps none for block 0, nor in a ledger whose block 1 has none. Changes of key-level metadata, which nothing
    here uses, are left out.

    Args:
        number: Number of the block.
        previous: The hash in the block before, or empty.
        transactions: Validation code and read-write set of each transaction, in order.
    """
    if number != 1 and not previous:
        return b""
    codes = bytes(code for code, _ in transactions)
    return hashlib.sha256(_varint(len(codes)) + codes + _updates(_changes(number, transactions)) + previous).digest()


def verify_commit_hash(block: Block, *, previous: bytes) -> None:
    """Check that the hash in `block` follows from its contents and from that of the block before.

    A peer may have kept none so far: then there is nothing to check.

    Raises:
        BlockError: Codes or writes are not those that the peer hashed.
    """
    if not previous and not block.commit_hash:
        return
    found = commit_hash(block.number, previous, [(one.validation_code, one.rwset) for one in block.transactions])
    if found != block.commit_hash:
        raise BlockError("commit_hash_mismatch", "the peer hashed other verdicts or writes", block=block.number)


def _changes(number: int, transactions: Iterable[tuple[int, ReadWriteSet]]) -> dict[_Key, _Change]:
    """Return the last write of each key (namespace, collection or "", key or its hash); an empty value deletes."""
    changes: dict[_Key, _Change] = {}
    for position, (code, rwset) in enumerate(transactions):
        if code != VALID:
            continue
        version = (number, position)
        for write in rwset.writes:
            changes[write.namespace, "", write.key.encode()] = (b"" if write.is_delete else write.value, version)
        for hashes in rwset.private_hashes:
            for hashed in hashes.writes:
                deleted = hashed.is_delete or hashed.value_hash == _NO_VALUE
                key = (hashes.namespace, hashes.collection, hashed.key_hash)
                changes[key] = (b"" if deleted else hashed.value_hash, version)
    return changes


def _updates(changes: dict[_Key, _Change]) -> bytes:
    """Return the changes as Fabric serializes them for this purpose: names only where they differ from the last."""
    updates = bytearray()
    last: tuple[str, str] = ("", "")
    for (namespace, collection, key), (value, version) in sorted(changes.items()):
        if not namespace:
            continue  # the channel's configuration is not part of the hash
        if namespace != last[0]:
            last = (namespace, "")
            names = _field(1, namespace.encode())
        else:
            names = b""
        if collection != last[1]:
            last = (namespace, collection)
            names += _field(2, collection.encode())
        content = _field(5, value) if value else b"\x20\x01"  # field 4, is_delete
        updates += _field(1, names + _field(3, key) + content + _field(6, _number(version[0]) + _number(version[1])))
    return bytes(updates)


def _field(number: int, data: bytes) -> bytes:
    """Return a length-delimited protobuf field."""
    return _BYTE[number << 3 | 2] + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _BYTE[value]
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def _number(value: int) -> bytes:
    """Return `value` in the fewest bytes, after their count: the order of these bytes is that of the numbers."""
    digits = value.to_bytes((value.bit_length() + 7) // 8)
    return _BYTE[len(digits)] + digits

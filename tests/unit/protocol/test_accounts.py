import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from countermark.protocol import accounts
from countermark.protocol.accounts import AccountKey
from countermark.protocol.errors import ErrorCode, MarketError

# did:key test vectors of the W3C CCG (did-key-spec, nist-curves.json, P-256).
VECTORS = [
    "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
    "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv",
]
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("address", VECTORS)
def test_reads_and_writes_the_did_keys_of_others(address: str) -> None:
    assert accounts.address_of(accounts.public_key(address)) == address
    assert accounts.parse_address(address) == address


@pytest.mark.requirement("R8")
def test_the_address_is_the_public_key() -> None:
    key = AccountKey.generate()
    assert key.address.startswith("did:key:zDn")
    assert accounts.public_key(key.address) == key.private_key.public_key()
    assert accounts.address_of(key.private_key.public_key()) == key.address


def test_a_private_key_comes_back_from_its_32_bytes() -> None:
    key = AccountKey.generate()
    assert AccountKey.from_bytes(key.to_bytes()).address == key.address
    assert len(AccountKey.from_bytes((1).to_bytes(32, "big")).to_bytes()) == 32


@pytest.mark.parametrize(
    "secret", [b"", bytes(32), bytes(31) + b"", N.to_bytes(32, "big"), b"\xff" * 32, b"\x01" * 33], ids=len
)
def test_bytes_that_are_no_private_key_are_refused(secret: bytes) -> None:
    with pytest.raises(MarketError) as refusal:
        AccountKey.from_bytes(secret)
    assert refusal.value.code is ErrorCode.MALFORMED_KEY
    assert refusal.value.__cause__ is None


def test_a_key_on_another_curve_is_no_account() -> None:
    with pytest.raises(MarketError, match="P-256"):
        AccountKey(ec.generate_private_key(ec.SECP384R1()))


def test_the_repr_shows_no_secret() -> None:
    key = AccountKey.generate()
    assert repr(key) == f"AccountKey({key.address})"


def _base58(raw: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return text


X_OFF_THE_CURVE = next(
    bytes([2]) + x.to_bytes(32, "big")
    for x in range(1, 99)
    if pow((pow(x, 3) - 3 * x + 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B), (
        (2**256 - 2**224 + 2**192 + 2**96 - 1) - 1) // 2, 2**256 - 2**224 + 2**192 + 2**96 - 1) != 1
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
        pytest.param(7, id="number"),
        pytest.param(VECTORS[0][8:], id="without did:key"),
        pytest.param(VECTORS[0] + "#" + VECTORS[0][8:], id="with a fragment"),
        pytest.param(VECTORS[0] + "\n", id="with a line end"),
        pytest.param(VECTORS[0].upper(), id="upper case"),
        pytest.param(VECTORS[0].replace("zDn", "z1Dn"), id="leading zero digit"),
        pytest.param(VECTORS[0][:-1], id="cut"),
        pytest.param(VECTORS[0][:-1] + "0", id="digit outside base58"),
        pytest.param("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", id="Ed25519"),
        pytest.param("did:key:z" + _base58(b"\x80\x24\x05" + bytes(32)), id="no such point form"),
        pytest.param("did:key:z" + _base58(b"\x80\x24\x04" + b"\1" * 32), id="uncompressed tag"),
        pytest.param("did:key:z" + _base58(b"\x80\x24\x02" + b"\xff" * 32), id="x past the field"),
        pytest.param("did:key:z" + _base58(b"\x80\x24" + X_OFF_THE_CURVE), id="not on the curve"),
        pytest.param("did:key:z" + _base58(b"\x80\x25\x02" + b"\1" * 32), id="another codec"),
        pytest.param("did:key:zDn" + "z" * 46, id="number past 35 bytes"),
    ],
)
def test_refuses_what_is_no_address(text: object) -> None:
    with pytest.raises(MarketError) as refusal:
        accounts.parse_address(text)
    assert refusal.value.code is ErrorCode.MALFORMED_ADDRESS

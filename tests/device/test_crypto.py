"""The device's own primitives, and CPython's in their place, against published vectors and against another implementation."""

import hmac as stdlib_hmac
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings, strategies as st
import pytest

from self_secure_device import crypto as cpythons, session, suites, x25519 as librarys
from self_secure_device.errors import CryptoError
from self_secure_device_linux import primitives

from .plain import plain

own = plain("crypto")
either = pytest.mark.parametrize("crypto", [own, cpythons], ids=["own", "CPython"])
either_x25519 = pytest.mark.parametrize("x25519", [plain("x25519"), librarys], ids=["own", "library"])


@either_x25519
@pytest.mark.parametrize(
    ("scalar", "point", "result"),
    [  # RFC 7748, section 5.2
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ],
)
def test_x25519_rfc_7748(x25519: ModuleType, scalar: str, point: str, result: str) -> None:
    assert x25519.multiply(bytes.fromhex(scalar), bytes.fromhex(point)).hex() == result


@either_x25519
@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_x25519_agrees_with_cryptography(x25519: ModuleType, first: bytes, second: bytes) -> None:
    public = X25519PrivateKey.from_private_bytes(second).public_key()
    assert x25519.public_key(second) == public.public_bytes_raw()
    expected = X25519PrivateKey.from_private_bytes(first).exchange(X25519PublicKey.from_public_bytes(public.public_bytes_raw()))
    assert x25519.exchange(first, public.public_bytes_raw()) == expected


@either_x25519
@pytest.mark.parametrize(
    "point", ["00" * 32, "01" + "00" * 31, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "ec" + "ff" * 30 + "7f"]
)
def test_points_of_small_order_are_an_error(x25519: ModuleType, point: str) -> None:
    with pytest.raises(CryptoError):
        x25519.exchange(b"k" * 32, bytes.fromhex(point))


@either
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_hmac_agrees_with_the_standard_library(crypto: ModuleType, key: bytes, text: bytes) -> None:
    assert crypto.hmac(key, text) == stdlib_hmac.digest(key, text, "sha256")


@either
def test_hkdf_rfc_5869_case_1(crypto: ModuleType) -> None:
    prk = crypto.extract(bytes.fromhex("000102030405060708090a0b0c"), b"\x0b" * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    okm = crypto.expand(prk, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


@either
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_counter_mode_agrees_with_cryptography(crypto: ModuleType, key: bytes, text: bytes) -> None:
    other = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    assert crypto.counter_mode(key, text) == other.update(text)
    assert crypto.counter_mode(key, crypto.counter_mode(key, text)) == text


@either
@given(st.binary(max_size=20), st.binary(max_size=20))
def test_equal_is_equality(crypto: ModuleType, left: bytes, right: bytes) -> None:
    assert crypto.equal(left, right) is (left == right)
    assert crypto.equal(left, left)


@given(st.lists(st.binary(max_size=100), max_size=4))
def test_sha_256_is_over_all_parts(parts: list[bytes]) -> None:
    assert own.sha256(*parts) == cpythons.sha256(*parts) == cpythons.sha256(b"".join(parts))


def test_what_cpython_has_is_used_here() -> None:
    """Else the suites have taken the core's own along, and every message costs twice as much."""
    taken = {name: vars(suites)[name] for name in ("hmac", "sha256", "counter_mode")}
    assert taken == {name: vars(primitives)[name] for name in taken}
    assert (vars(session)["equal"], librarys.multiply) == (stdlib_hmac.compare_digest, primitives.multiply)

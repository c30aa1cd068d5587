"""The device's own primitives against published vectors and against another implementation."""

import hmac as stdlib_hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings, strategies as st
import pytest

from self_secure_device import crypto, x25519
from self_secure_device.errors import CryptoError


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
def test_x25519_rfc_7748(scalar: str, point: str, result: str) -> None:
    assert x25519.multiply(bytes.fromhex(scalar), bytes.fromhex(point)).hex() == result


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_x25519_agrees_with_cryptography(first: bytes, second: bytes) -> None:
    public = X25519PrivateKey.from_private_bytes(second).public_key()
    assert x25519.public_key(second) == public.public_bytes_raw()
    expected = X25519PrivateKey.from_private_bytes(first).exchange(X25519PublicKey.from_public_bytes(public.public_bytes_raw()))
    assert x25519.exchange(first, public.public_bytes_raw()) == expected


@pytest.mark.parametrize(
    "point", ["00" * 32, "01" + "00" * 31, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "ec" + "ff" * 30 + "7f"]
)
def test_points_of_small_order_are_an_error(point: str) -> None:
    with pytest.raises(CryptoError):
        x25519.exchange(b"k" * 32, bytes.fromhex(point))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_hmac_agrees_with_the_standard_library(key: bytes, text: bytes) -> None:
    assert crypto.hmac(key, text) == stdlib_hmac.digest(key, text, "sha256")


def test_hkdf_rfc_5869_case_1() -> None:
    prk = crypto.extract(bytes.fromhex("000102030405060708090a0b0c"), b"\x0b" * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    okm = crypto.expand(prk, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_counter_mode_agrees_with_cryptography(key: bytes, text: bytes) -> None:
    other = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    assert crypto.counter_mode(key, text) == other.update(text)
    assert crypto.counter_mode(key, crypto.counter_mode(key, text)) == text


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_equal_is_equality(left: bytes, right: bytes) -> None:
    assert crypto.equal(left, right) is (left == right)
    assert crypto.equal(left, left)

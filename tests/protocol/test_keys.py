"""One type per kind of key; nobody sees one by accident."""

import hmac

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol import keys
from custom_components.self_secure.protocol.errors import AuthenticationError
from custom_components.self_secure.protocol.keys import ChainKey, ConfirmationKey, DhKey, Key, RootKey, StoreKey, Transcript
from self_secure_device import x25519

KINDS = [ConfirmationKey, ChainKey, StoreKey, RootKey]
SECRET = bytes(range(32))


@pytest.mark.parametrize("kind", KINDS)
def test_repr_shows_the_kind_and_nothing_else(kind: type[Key]) -> None:
    assert repr(kind(SECRET)) == str(kind(SECRET)) == f"<{kind.__name__}>"


def test_repr_of_a_dh_key_shows_nothing() -> None:
    assert repr(DhKey(SECRET)) == "<DhKey>"


@pytest.mark.parametrize("kind", KINDS)
def test_keys_compare_by_kind_and_value(kind: type[Key]) -> None:
    assert kind(SECRET) == kind(SECRET)
    assert kind(SECRET) != kind(bytes(32))
    assert [kind(SECRET) == other(SECRET) for other in KINDS].count(True) == 1
    assert kind(SECRET) != SECRET


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_has_no_place_in_a_set(kind: type[Key]) -> None:
    with pytest.raises(TypeError):
        hash(kind(SECRET))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ChainKey(bytes(size))


@given(st.binary(max_size=64), st.binary(max_size=1024))
def test_hmac_is_rfc_2104(key: bytes, data: bytes) -> None:
    assert keys.mac(key, data) == hmac.digest(key, data, "sha256")


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=256))
def test_a_chain_key_is_padded_once_for_the_same_hmac(raw: bytes, data: bytes) -> None:
    key = ChainKey(raw)
    assert [key.mac(data), key.mac(data)] == [keys.mac(raw, data)] * 2
    assert key.expand(data) == keys.expand(raw, data)


def test_hkdf_is_rfc_5869() -> None:
    """RFC 5869, appendix A.1, its first 32 bytes."""
    prk = keys.extract(bytes(range(13)), bytes([0x0B]) * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    okm = keys.expand(prk, bytes(range(0xF0, 0xFA)))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_x25519_is_rfc_7748() -> None:
    """Bob's pair of RFC 7748, section 6.1; the exchange beside the device's own ladder."""
    secret = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    bob = DhKey(secret)
    assert bob.public.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    assert bob.exchange(DhKey(SECRET).public) == x25519.exchange(SECRET, bob.public) == x25519.exchange(secret, x25519.public_key(SECRET))


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_a_point_of_low_order_is_an_error(point: bytes) -> None:
    with pytest.raises(AuthenticationError):
        DhKey(SECRET).exchange(point)


def test_each_label_gives_another_key() -> None:
    root = RootKey(SECRET)
    derived = [root.chain(0), root.chain(1), root.store(), root.finish()]
    assert len({key.raw for key in derived}) == len(derived)


def test_transcript_is_the_recursion() -> None:
    start = keys.digest(b"SSC1 v1")
    assert Transcript().value == start
    once = keys.digest(start + b"\x00\x03one")
    assert Transcript().absorb(b"one").value == once
    assert Transcript(once).absorb(b"").value == keys.digest(once + b"\x00\x00")


def test_verify_names_what_does_not_fit() -> None:
    keys.verify(b"a", b"a", "tag")
    with pytest.raises(AuthenticationError, match="tag"):
        keys.verify(b"a", b"b", "tag")

"""aiohomekit: HomeKit's session over Bluetooth, and pair-verify, its counterpart of our resume."""

from functools import partial
import secrets
import time
from typing import Any, Final

from aiohomekit.controller.ble.key import DecryptionKey, EncryptionKey
from aiohomekit.crypto import NONCE_PADDING, ChaCha20Poly1305Encryptor, hkdf_derive
from aiohomekit.protocol import get_session_keys
from aiohomekit.protocol.tlv import TLV
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from benchmarks.harness import Bench

_NAME: Final = "12:34:56:00:01:0A"
_KEY: Final = bytes(range(32))


def register(bench: Bench) -> None:
    """Add the cases."""
    accessory = Accessory()
    bench.add("homekit", "pair-verify, controller", lambda _state, n: sum(accessory.verify() for _ in range(n)), unit="handshake")
    for size in (16, 64, 512):
        bench.add("homekit", "session enc+dec", partial(_session, secrets.token_bytes(size)), setup=_keys, size=size)


def _keys(_n: int) -> tuple[EncryptionKey, DecryptionKey]:
    return EncryptionKey(_KEY), DecryptionKey(_KEY)


def _session(body: bytes, keys: tuple[EncryptionKey, DecryptionKey], n: int) -> None:
    encrypt, decrypt = keys
    plain = body
    for _ in range(n):
        plain = decrypt.decrypt(encrypt.encrypt(body))
    if plain != body:
        raise RuntimeError("another text came out")


class Accessory:
    """The other side of a pairing that is already there."""

    def __init__(self) -> None:
        self._long_term, controller = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self._pairing: dict[str, Any] = {
            "AccessoryPairingID": _NAME,
            "AccessoryLTPK": self._long_term.public_key().public_bytes_raw().hex(),
            "iOSPairingId": "decc6fa3-de3e-41c9-adba-ef7409821bfc",
            "iOSDeviceLTSK": controller.private_bytes_raw().hex(),
            "iOSDeviceLTPK": controller.public_key().public_bytes_raw().hex(),
        }

    def verify(self) -> int:
        """Play one pair-verify; return ns of processor time that the controller took."""
        clock = time.thread_time_ns
        began = clock()
        controller: Any = get_session_keys(self._pairing)
        request, _ = controller.send(None)
        own = clock() - began
        answer = self._answer(bytes(dict(request)[TLV.kTLVType_PublicKey]))
        began = clock()
        controller.send(answer)
        derive = _finished(controller)
        for label in (b"Control-Write-Encryption-Key", b"Control-Read-Encryption-Key"):
            derive(b"Control-Salt", label)
        return own + clock() - began

    def _answer(self, public: bytes) -> list[tuple[int, bytearray]]:
        private = X25519PrivateKey.generate()
        ours = private.public_key().public_bytes_raw()
        shared = private.exchange(X25519PublicKey.from_public_bytes(public))
        key = hkdf_derive(shared, b"Pair-Verify-Encrypt-Salt", b"Pair-Verify-Encrypt-Info")
        signature = self._long_term.sign(ours + _NAME.encode() + public)
        inner = TLV.encode_list([(TLV.kTLVType_Identifier, _NAME.encode()), (TLV.kTLVType_Signature, signature)])
        sealed = ChaCha20Poly1305Encryptor(key).encrypt(b"", NONCE_PADDING + b"PV-Msg02", bytes(inner))
        fields = ((TLV.kTLVType_State, TLV.M2), (TLV.kTLVType_PublicKey, ours), (TLV.kTLVType_EncryptedData, sealed))
        return [(kind, bytearray(value)) for kind, value in fields]


def _finished(controller: Any) -> Any:
    """Send M4 and return what makes the session's keys."""
    try:
        controller.send([(TLV.kTLVType_State, TLV.M4)])
    except StopIteration as stop:
        return stop.value[1]
    raise RuntimeError("pair-verify is not over")

"""Both sides' sessions alone: seal, open, acknowledge, step, and the frames; no fragments, queues or limits."""

import secrets
from typing import Final

from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.keys import RootKey
from custom_components.self_secure.protocol.limits import DEFAULT_OMEGA, NONCE_SIZE
from custom_components.self_secure.protocol.packets import decode_packet
from custom_components.self_secure.protocol.session import Outgoing, Session
from custom_components.self_secure.protocol.suites import HYBRID
from self_secure_device import frames, session as device_session, suites as device_suites

_ROOT: Final = bytes(range(32))


class Chains:
    """One epoch between a hub and a device that never ends."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.hub = Session(HYBRID, RootKey(_ROOT), 0, DEFAULT_OMEGA, 0.0)
        self.device = device_session.Session(device_suites.HYBRID, 0, _ROOT)

    def up(self) -> None:
        """One message from the device to the hub, and its acknowledgement."""
        sender = self.device.sender
        sender.load(device_session.encode_text(MessageType.READINGS, self.device.next_number(), self._body))
        raw = sender.attempt(secrets.token_bytes(NONCE_SIZE), 0)
        _, dack = self.hub.on_data(decode_packet(raw), secrets.token_bytes(NONCE_SIZE))
        sender.acknowledge(frames.decode(dack))

    def down(self) -> None:
        """One message from the hub to the device, and its acknowledgement."""
        message = Outgoing(1, MessageType.READINGS, self._body, self.hub.next_id())
        raw = self.hub.sending.begin(message, secrets.token_bytes(NONCE_SIZE), 0.0)
        receiver = self.device.receiver
        accepted = receiver.open(frames.decode(raw), secrets.token_bytes(NONCE_SIZE))
        receiver.commit(accepted)
        self.hub.on_dack(decode_packet(accepted.dack), 0.0)


class HubChains:
    """Two of our hub's sessions back to back: what a message costs when both ends have CPython's primitives."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.near = Session(HYBRID, RootKey(_ROOT), 0, DEFAULT_OMEGA, 0.0)
        self.far = Session(HYBRID, RootKey(_ROOT), 0, DEFAULT_OMEGA, 0.0)
        self.far.receiving = type(self.far.receiving)(HYBRID, self.near.sending.chain, 1, 0)

    def down(self) -> None:
        """One message, and its acknowledgement."""
        message = Outgoing(1, MessageType.READINGS, self._body, self.near.next_id())
        raw = self.near.sending.begin(message, secrets.token_bytes(NONCE_SIZE), 0.0)
        _, dack = self.far.on_data(decode_packet(raw), secrets.token_bytes(NONCE_SIZE))
        self.near.on_dack(decode_packet(dack), 0.0)

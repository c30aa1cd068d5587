"""Advertisements: the beacon and the random packets (protocol.md 3). Each is exactly 31 bytes."""

from .crypto import u16

FLAGS = b"\x02\x01\x06"
SERVICE_UUID = "7a6f0001-5e1f-4c0d-8d3a-5e1f5ec0de00"
WRITE_UUID = "7a6f0002-5e1f-4c0d-8d3a-5e1f5ec0de00"  # hub to device
NOTIFY_UUID = "7a6f0003-5e1f-4c0d-8d3a-5e1f5ec0de00"  # device to hub
COMPANY = b"\xff\xff"
RANDOM_TYPE = 0x52
VERSION = 1
READY, PAIRED, WAITING, FORGETFUL = 0, 1, 2, 3  # beacon states
SHORT_ID_BYTES = 4
MAX_NAME_BYTES = 29  # a scan response has 31


def _structure(kind, data):
    return bytes([len(data) + 1, kind]) + data


def _uuid_bytes(text):
    """Return the UUID as Bluetooth sends it: little-endian."""
    return bytes(reversed(bytes.fromhex(text.replace("-", ""))))


def beacon(state, identity, flags=0):
    """Return the discovery advertisement; ``flags`` bit 0 means relay."""
    manufacturer = COMPANY + bytes([VERSION << 4 | state, flags]) + identity[:SHORT_ID_BYTES]
    return FLAGS + _structure(0x07, _uuid_bytes(SERVICE_UUID)) + _structure(0xFF, manufacturer)


def random_packet(sid, seq, random):
    """Return the advertisement of one random message R (20 bytes)."""
    return FLAGS + _structure(0xFF, COMPANY + bytes([RANDOM_TYPE, sid]) + u16(seq) + random)


def scan_response(name):
    """Return the device's name for who asks; nothing essential is in it."""
    short = utf8(name, MAX_NAME_BYTES)
    return _structure(0x09 if len(short) == len(name.encode()) else 0x08, short)


def utf8(text, limit):
    """Return as many whole characters of ``text`` as fit into ``limit`` bytes of UTF-8."""
    while len(text.encode()) > limit:
        text = text[:-1]
    return text.encode()

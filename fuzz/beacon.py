"""No advertisement raises anything, what is read as ours is written as it was, and the hub reads every advertisement of the device."""

from custom_components.self_secure.transport.beacon import Beacon, RandomPacket, decode, decode_advertisement
from self_secure_device import adverts

from .check import require

WHOLE = 31
PADDING = bytes(WHOLE)


def run(data: bytes) -> None:
    """Read `data` as advertisement and as manufacturer data; make advertisements of its bytes."""
    for read in (decode_advertisement(data), decode(data)):
        require(read is None or decode_advertisement(read.advertisement) == read, "another advertisement after writing")
    fields = (data + PADDING)[:WHOLE]
    _device_writes(fields)


def _device_writes(fields: bytes) -> None:
    sid, seq, value = fields[0], int.from_bytes(fields[1:3]), fields[3:23]
    require(decode_advertisement(adverts.random_packet(sid, seq, value)) == RandomPacket(sid, seq, value), "a random packet is not read")
    state, relay = fields[0] % 4, fields[1] % 2
    read = decode_advertisement(adverts.beacon(state, fields[2:18], relay))
    require(
        isinstance(read, Beacon) and (read.state, read.relay, read.short_id) == (state, bool(relay), fields[2:6]), "a beacon is not read"
    )

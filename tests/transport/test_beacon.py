"""The two advertisements, byte for byte, against the device's own encoder."""

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol.errors import MalformedError
from custom_components.self_secure.transport.beacon import (
    ADVERTISEMENT_SIZE,
    Beacon,
    BeaconState,
    RandomPacket,
    decode,
    decode_advertisement,
)
from self_secure_device import adverts

beacons = st.builds(Beacon, st.sampled_from(BeaconState), st.booleans(), st.binary(min_size=4, max_size=4))
packets = st.builds(RandomPacket, st.integers(0, 255), st.integers(0, 65_535), st.binary(min_size=20, max_size=20))


@given(st.one_of(beacons, packets))
def test_both_forms_return_what_was_encoded(one: Beacon | RandomPacket) -> None:
    assert decode(one.encode()) == one
    assert decode_advertisement(one.advertisement) == one
    assert len(one.advertisement) == ADVERTISEMENT_SIZE


@given(packets)
def test_random_packet_is_what_the_device_sends(packet: RandomPacket) -> None:
    assert adverts.random_packet(packet.sid, packet.seq, packet.value) == packet.advertisement


@pytest.mark.parametrize("state", BeaconState)
def test_beacon_is_what_the_device_sends(state: BeaconState) -> None:
    identity = bytes(range(16))
    assert adverts.beacon(int(state), identity) == Beacon(state, False, identity[:4]).advertisement


def test_layout_of_the_specification() -> None:
    beacon = Beacon(BeaconState.HAS_DATA, True, b"\xaa\xbb\xcc\xdd").advertisement
    assert beacon.hex() == "020106" + "1107" + "00dec05e1f5e3a8d0d4c1f5e01006f7a" + "09ffffff" + "1201aabbccdd"
    packet = RandomPacket(7, 258, bytes(range(20))).advertisement
    assert packet.hex() == "020106" + "1bffffff" + "52070102" + bytes(range(20)).hex()


@pytest.mark.parametrize("data", ["", "1000aabbcc", "1000aabbccddee", "2000aabbccdd", "1400aabbccdd", "00" * 24, "52" * 23, "52" * 25])
def test_what_is_not_ours_is_none(data: str) -> None:
    assert decode(bytes.fromhex(data)) is None


@given(st.binary(max_size=64))
def test_nothing_raises(data: bytes) -> None:
    decode(data)
    decode_advertisement(data)


@given(st.one_of(beacons, packets), st.binary(max_size=31))
def test_scan_response_behind_it_is_ignored(one: Beacon | RandomPacket, response: bytes) -> None:
    assert decode_advertisement(one.advertisement + response) == one


@pytest.mark.parametrize(("sid", "seq", "size"), [(256, 0, 20), (-1, 0, 20), (0, 65_536, 20), (0, -1, 20), (0, 0, 19), (0, 0, 21)])
def test_random_packet_outside_its_layout(sid: int, seq: int, size: int) -> None:
    with pytest.raises(MalformedError):
        RandomPacket(sid, seq, bytes(size))


def test_repr_shows_no_random_value() -> None:
    assert "abab" not in repr(RandomPacket(0, 0, b"\xab" * 20))
    assert "xab" not in repr(RandomPacket(0, 0, b"\xab" * 20))

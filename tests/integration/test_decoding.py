"""What is inside a device's messages, without any radio."""

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.messages import Decoded, DeviceEvent, SensorKey, decode_info, decode_objects

TEMPERATURE = SensorKey("temperature", "temperature", "°C")
BATTERY = SensorKey("battery", "battery", "%")


def test_readings() -> None:
    decoded = decode_objects(bytes.fromhex("0164" + "02ca09" + "1a01"))
    assert decoded == Decoded({BATTERY: 100, TEMPERATURE: 25.06}, {("door", "door"): True})


def test_several_of_one_kind_are_numbered() -> None:
    found = decode_objects(bytes.fromhex("02ca09" + "02ca00"))
    assert [key.key for key in found.sensors] == ["temperature_1", "temperature_2"]


def test_events() -> None:
    assert decode_objects(bytes.fromhex("3a01")).events == (DeviceEvent("button", "press", {}),)
    assert decode_objects(bytes.fromhex("3c0103")).events == (DeviceEvent("dimmer", "rotate_left", {"steps": 3}),)


def test_idle_button_is_no_event() -> None:
    assert decode_objects(bytes.fromhex("3a00")).events == ()


def test_same_packet_id_twice_is_two_readings() -> None:
    first, second = (decode_objects(bytes.fromhex(f"0007{value}")) for value in ("02ca09", "02ca00"))
    assert (first.sensors[TEMPERATURE], second.sensors[TEMPERATURE]) == (25.06, 2.02)


def test_newer_values_replace_and_events_pass() -> None:
    older = Decoded({TEMPERATURE: 1, BATTERY: 90}, {("door", "door"): True}, (DeviceEvent("button", "press", {}),))
    assert older.merged(Decoded({TEMPERATURE: 2}, {})) == Decoded({TEMPERATURE: 2, BATTERY: 90}, {("door", "door"): True})


@pytest.mark.parametrize("body", ["", "ff", "02", "02ca", "ff" * 20])
def test_what_is_none_says_nothing(body: str) -> None:
    assert decode_objects(bytes.fromhex(body)) == Decoded()


@given(st.binary(max_size=100))
def test_no_body_raises(body: bytes) -> None:
    decode_objects(body)
    decode_info(body)


@pytest.mark.parametrize(
    ("body", "info"),
    [
        (b"\x01\x03abc", {"name": "abc"}),
        (b"\x02\x01m\x03\x021.\x04\x02\0\1", {"model": "m", "sw_version": "1."}),
        (b"\x09\x01x\x01\x01n", {"name": "n"}),
        (b"\x01\x04abc", {}),
        (b"\x01", {}),
        (b"\x01\x01\xff", {"name": "\ufffd"}),
        (b"\x01\x0eHall\n\n# 123456", {"name": "Hall 123456"}),
        (b"\x01\x11[a](b) <i> x|y\x00`\\", {"name": "a (b) i x y"}),
    ],
)
def test_info(body: bytes, info: dict[str, str]) -> None:
    assert decode_info(body) == info

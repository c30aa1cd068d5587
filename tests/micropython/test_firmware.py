"""The stand-in for the firmware's ``bluetooth`` module keeps the firmware's rules."""

from pathlib import Path

import pytest

from .scripted import MAC, Bridge, board, event

ACTIVE = "ble.active(True)\n"
SERVED = """
((write, notify),) = ble.gatts_register_services(((UUID("s"), ((UUID("w"), 12), (UUID("n"), 16))),))
ble.irq(lambda event, data: print(event, *data[:2]))
time.sleep_ms(50)
"""


async def test_the_radio_is_off_until_it_is_active(bridge: Bridge, tmp_path: Path) -> None:
    assert await board(bridge, tmp_path, "print(ble.active())\nrefused(ble.gap_advertise, 20_000, b'')") == ["False", "19"]


async def test_there_is_one_adapter_with_the_address_of_the_chip(bridge: Bridge, tmp_path: Path) -> None:
    script = ACTIVE + "print(BLE() is ble, ble.active(), ble.config('mac')[1].hex())"
    assert await board(bridge, tmp_path, script) == [f"True True {MAC}"]


@pytest.mark.parametrize(("size", "interval", "lines"), [(31, 20_000, []), (32, 20_000, ["22"]), (31, 19_999, ["22"])])
async def test_an_advertisement_has_31_bytes_and_an_interval_of_20_ms(
    bridge: Bridge, tmp_path: Path, size: int, interval: int, lines: list[str]
) -> None:
    data = f"bytes({size})"
    assert await board(bridge, tmp_path, ACTIVE + f"refused(ble.gap_advertise, {interval}, {data})") == lines


async def test_a_scan_response_has_31_bytes_too(bridge: Bridge, tmp_path: Path) -> None:
    assert await board(bridge, tmp_path, ACTIVE + "refused(ble.gap_advertise, 20_000, b'', resp_data=bytes(32))") == ["22"]


async def test_what_is_not_given_stays(bridge: Bridge, tmp_path: Path) -> None:
    script = "ble.gap_advertise(200_000, b'one', resp_data=b'two')\nble.gap_advertise(30_300, b'new')\nble.gap_advertise(None)\n"
    assert await board(bridge, tmp_path, ACTIVE + script) == []
    one, two, new = b"one".hex(), b"two".hex(), b"new".hex()
    assert bridge.heard == [["advertise", 200, one, two, True], ["advertise", 30, new, two, True], ["stop"]]


async def test_a_write_is_cut_to_the_attribute_s_size(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1) + event("write", 1, 19, 40, value=bytes(range(40))) + event("write", 1, 19, 300, value=bytes(300))
    script = """
sizes = []
def handler(event, data):
    if event == 3:
        sizes.append(len(ble.gatts_read(data[1])))
        ble.gatts_set_buffer(data[1], 244)
((write, notify),) = ble.gatts_register_services(((UUID("s"), ((UUID("w"), 12), (UUID("n"), 16))),))
ble.irq(handler)
time.sleep_ms(50)
print(write, notify, sizes)
"""
    assert await board(bridge, tmp_path, ACTIVE + script) == ["19 22 [20, 244]"]


async def test_interrupts_come_while_the_program_sleeps(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 7) + event("mtu", 7, 247) + event("disconnect", 7)
    assert await board(bridge, tmp_path, ACTIVE + "print('before')" + SERVED + "print('after')") == [
        "before",
        "1 7 0",
        "21 7 247",
        "2 7 0",
        "after",
    ]


async def test_a_notification_needs_a_connection_and_room(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1)
    script = (
        "refused(ble.gatts_notify, 2, notify, b'x')\nfor number in range(7):\n    refused(ble.gatts_notify, 1, notify, bytes([number]))\n"
    )
    assert await board(bridge, tmp_path, ACTIVE + SERVED + script) == ["1 1 0", "128", "12"]
    assert bridge.heard[1:] == [["notify", 1, 22, bytes([number])] for number in range(6)]


async def test_hanging_up_tells_whether_there_was_a_connection(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1)
    assert await board(bridge, tmp_path, ACTIVE + SERVED + "print(ble.gap_disconnect(1), ble.gap_disconnect(2))") == ["1 1 0", "True False"]


async def test_hanging_up_is_refused_while_it_is_on_its_way(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1)
    bridge.answers["disconnect"] = event("disconnect", 1) + event("connect", 1)
    script = """
print(ble.gap_disconnect(1))
refused(ble.gap_disconnect, 1)
time.sleep_ms(50)
print(ble.gap_disconnect(1))
"""
    assert await board(bridge, tmp_path, ACTIVE + SERVED + script) == ["1 1 0", "True", "114", "2 1 0", "1 1 0", "True"]
    assert bridge.heard[1:] == [["disconnect", 1]] * 2


async def test_a_radio_that_goes_away_is_an_error(bridge: Bridge, tmp_path: Path) -> None:
    bridge.leaves = True
    assert await board(bridge, tmp_path, ACTIVE + "refused(time.sleep_ms, 5000)") == ["19"]

"""The microcontroller's radio where it gets more, or less, than it can take, on MicroPython with the stand-in for its firmware."""

from pathlib import Path

import pytest

from custom_components.self_secure.protocol.framing import fragment

from .scripted import Bridge, board, event

WRITE = 19  # the handle that the stand-in gives
WAITING, COST = 5120, 28  # bytes of writes that wait, and what each costs beside its own
FRAGMENT = fragment(b"\x7f" * 20, 244)[0]  # a whole frame, of a type that nobody knows
MOST = -(-WAITING // (len(FRAGMENT) + COST))  # writes that are taken before the bound stops them

RADIO = """
import os
from self_secure_device.device import Device
from self_secure_device.request import Parameters
from self_secure_device.suites import LOSS_ID
from self_secure_esp32.clock import Clock
from self_secure_esp32.radio import Radio
class Port:
    def urandom(self, count):
        return os.urandom(count)
    def save(self, data):
        pass
    def event(self, kind, value):
        print(kind)
port = Port()
class Core(Device):
    wants_to_hang_up = False
    def poll(self, now):
        super().poll(now)
        self.yields = self.yields or self.wants_to_hang_up
core = Core(port, b"I" * 16, None, Parameters((LOSS_ID,)), "board")
radio = Radio(core, Clock(), port.event)
radio.step()
"""
HANG_UP = """
BLE().wait(5000)
core.wants_to_hang_up = True
for _ in range(3):
    radio.step()
radio.hang_up()
core.wants_to_hang_up = False
print("hung up")
BLE().wait(5000)
radio.step()
time.sleep_ms(50)
"""
FLOOD = """
while BLE().wait(500):
    pass
print(radio._copied - radio._taken)
radio.step()
print(sum(core.counters.values()), radio.quiet)
time.sleep_ms(50)
"""
ONE_BY_ONE = """
while BLE().wait(500):
    radio.step()
print(sum(core.counters.values()))
"""
NO_MEMORY = """
from micropython import heap_lock, heap_unlock
handler = ble.handler
raised = []
def without_memory(event, data):
    heap_lock()
    try:
        handler(event, data)
    except MemoryError:
        raised.append(event)
    finally:
        heap_unlock()
{before}
ble.irq(without_memory)
BLE().wait(5000)
ble.irq(handler)
print(raised)
try:
    radio.step()
except MemoryError as error:
    print("begin anew:", error)
"""
TAKE = "BLE().wait(5000)\nradio.step()"


def writes(count: int) -> bytes:
    return event("write", 1, WRITE, len(FRAGMENT), value=FRAGMENT) * count


def beacons(bridge: Bridge) -> int:
    """How often the beacon has been put on the air."""
    return len([message for message in bridge.heard if message[:2] == ["advertise", 200]])


async def test_a_connection_that_is_ending_is_not_hung_up_on_twice(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1)
    bridge.answers["disconnect"] = event("disconnect", 1)
    assert await board(bridge, tmp_path, RADIO + HANG_UP) == ["connected", "hung up", "disconnected"]
    assert [message for message in bridge.heard if message[0] == "disconnect"] == [["disconnect", 1]]
    assert beacons(bridge) == 2


async def test_a_flood_of_writes_costs_writes_and_never_the_end_of_the_connection(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1) + writes(4 * MOST) + event("disconnect", 1)
    lines = await board(bridge, tmp_path, RADIO + FLOOD)
    assert lines == [str(MOST * (len(FRAGMENT) + COST)), "connected", "disconnected", f"{MOST} True"]
    assert beacons(bridge) == 2


async def test_the_next_connection_is_not_lost_in_a_flood_either(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1) + writes(4 * MOST) + event("disconnect", 1) + event("connect", 2)
    lines = await board(bridge, tmp_path, RADIO + FLOOD)
    assert lines[1:] == ["connected", "disconnected", "connected", f"{MOST} False"]


async def test_what_has_been_taken_makes_room_for_more(bridge: Bridge, tmp_path: Path) -> None:
    bridge.says = event("connect", 1) + writes(3 * MOST)
    assert await board(bridge, tmp_path, RADIO + ONE_BY_ONE) == ["connected", str(3 * MOST)]


@pytest.mark.parametrize(
    ("before", "says"),
    [([], [event("connect", 1)]), ([TAKE], [event("connect", 1), writes(1)]), ([TAKE], [event("connect", 1), event("disconnect", 1)])],
    ids=["connect", "write", "disconnect"],
)
async def test_what_a_handler_without_memory_loses_makes_the_next_step_fail(
    bridge: Bridge, tmp_path: Path, before: list[str], says: list[bytes]
) -> None:
    bridge.says = b"".join(says)
    lines = await board(bridge, tmp_path, RADIO + NO_MEMORY.format(before="\n".join(before)))
    assert lines == ["connected"] * len(before) + ["[]", "begin anew: the radio's events"]

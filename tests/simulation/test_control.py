import asyncio
import json

from bumble import hci
import pytest

from simulation.advertising import AdvertisingEvent
from simulation.control import MAX_PAGE, ControlServer, request
from simulation.world import Plan, World

from .conftest import OpenWorld


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"command": "nonsense"}, "KeyError"),
        ([], "TypeError"),
        ({"command": []}, "TypeError"),
        ({"command": "loss"}, "KeyError"),
        ({"command": "loss", "loss": 96}, "must be between"),
        ({"command": "loss", "loss": "much"}, "ValueError"),
        ({"command": "loss", "loss": 10, "receiver": "nobody"}, "nobody"),
        ({"command": "cut", "device": "nobody"}, "nobody"),
        ({"command": "eve", "start": None}, "TypeError"),
    ],
)
async def test_refused_request_changes_nothing(world: World, fields: object, error: str) -> None:
    before = world.statistics()
    answer = ControlServer(world).answer(json.dumps(fields).encode())
    assert answer["ok"] is False
    assert error in str(answer["error"])
    assert world.statistics() == before


async def test_line_that_is_no_json_is_refused_and_the_next_one_served(world: World) -> None:
    server = ControlServer(world)
    port = await server.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"command\n{"command": "describe"}\n')
    first, second = json.loads(await reader.readline()), json.loads(await reader.readline())
    assert (first["ok"], second["ok"]) == (False, True)
    writer.write(b"x" * (1 << 17))
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(RuntimeError, match="KeyError"):
        await request(port, "nonsense")
    await server.close()


async def test_page_of_eve_is_bounded(world: World) -> None:
    for number in range(MAX_PAGE + 1):
        world.eve.on_advertisement(AdvertisingEvent(hci.Address("D0:5E:5C:00:02:01"), number.to_bytes(2)), -50)
    answer = ControlServer(world).answer(b'{"command": "eve", "count": 1000000}')
    assert answer["total"] == MAX_PAGE + 1
    records: list[dict[str, object]] = json.loads(json.dumps(answer["records"]))
    assert [one["data"] for one in records] == [number.to_bytes(2).hex() for number in range(MAX_PAGE)]


async def test_loss_of_all_leaves_eve_alone(open_world: OpenWorld) -> None:
    world = await open_world(Plan(scanners=1, devices=1, loss=0.1, eve_loss=0.3))
    assert ControlServer(world).answer(b'{"command": "loss", "loss": 70, "burst": 4}') == {"ok": True}
    assert [one.describe()["loss"] for one in world.stations()] == [0.7, 0.7, 0.3]

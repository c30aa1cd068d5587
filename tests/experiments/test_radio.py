"""The experiment for real adapters, on the virtual radio: HCI over TCP stands in for the adapters, Bumble is the real one."""

import asyncio
from collections.abc import Callable
import json
from pathlib import Path

import pytest

from experiments.radio import cli
from experiments.radio.adapter import kind_of
from experiments.radio.listener import listen
from experiments.radio.packets import SIZE, TestPacket
from experiments.radio.recording import Recording
from experiments.radio.results import load, loss_row, losses, pair_row, report
from experiments.radio.sender import Plan, send
from simulation.world import Plan as WorldPlan, World

PACKET = TestPacket(session=0x01020304, run=2, runs=30, packets=200, interval=30, seq=199)
PACKETS, REPETITIONS, LOSS = 40, 2, 0.3


def test_a_packet_is_one_of_our_random_packets_and_comes_back() -> None:
    data = PACKET.encode()
    assert len(data) == SIZE == 31
    assert data.hex() == "0201061bffffff520200c7" + b"SSC-fig7".hex() + "010203040002001e00c8001e"
    assert TestPacket.decode(data) == PACKET


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-1], lambda data: data + b"\0", lambda data: b"\3" + data[1:], lambda data: data.replace(b"fig7", b"fig8")],
    ids=["short", "long", "no flags", "a device's own random packet"],
)
def test_other_advertisements_are_ignored(spoil: Callable[[bytes], bytes]) -> None:
    assert TestPacket.decode(spoil(PACKET.encode())) is None


def test_numbers_of_packets_take_turns() -> None:
    runs = list(Plan(1, counts=(2, 3), repetitions=2).runs())
    assert [(len(run), run[0].run, run[0].runs) for run in runs] == [(2, 0, 4), (3, 1, 4), (2, 2, 4), (3, 3, 4)]


def recorded(name: str, metres: float, missed: set[int], session: int = 7) -> Recording:
    recording = Recording(name, metres, "real radio")
    for run in range(2):
        for seq in set(range(10)) - missed:
            recording.hear(TestPacket(session, run, 2, 10, 30, seq))
    return recording


def test_a_recording_comes_back_from_its_file(tmp_path: Path) -> None:
    recording = recorded("hub", 1.5, {3})
    path = recording.save(tmp_path)
    assert path.name == "hub-1.5m-00000007.json"
    assert Recording.load(path) == recording
    assert json.loads(path.read_text())["kind"] == "real radio"


def test_another_session_does_not_mix_in() -> None:
    recording = recorded("hub", 1.5, {3})
    recording.hear(TestPacket(8, 0, 2, 10, 30, 3))
    assert 3 not in recording.runs[0].heard
    assert recording.at_last_run


def test_losses_are_counted_by_distance() -> None:
    found = losses([recorded("hub", 1.5, {3}), recorded("hub", 6, {1, 2, 3}, session=9)])
    assert found == {("hub", 1.5, 10): [0.1, 0.1], ("hub", 6, 10): [0.3, 0.3]}
    assert loss_row(("hub", 6.0, 10), [0.3]) == ("hub", 6.0, 10, 1, 30.0, None, None, None)


def test_two_listeners_are_joined() -> None:
    row = pair_row(recorded("hub", 3, {0, 1}), recorded("eve", 6, {1, 2}))
    assert row is not None
    assert row[:5] == ("hub", "eve", 2, 20.0, 20.0)
    assert row[5:7] == (0.375, 2.0)
    assert row[7:10] == (12.5, 38.5, 0)


def test_eve_who_hears_all_that_the_hub_hears_holds_all() -> None:
    row = pair_row(recorded("hub", 3, {0, 1}), recorded("eve", 6, {0}))
    assert row is not None
    assert row[7:10] == (0.0, 0.0, 2)


def test_listeners_of_different_sessions_are_not_joined() -> None:
    assert pair_row(recorded("hub", 3, set()), recorded("eve", 3, set(), session=8)) is None


def test_a_report_without_recordings_says_so(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no recordings"):
        report(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["send"], ["send", "--transport", "x", "--interval", "10"], ["listen", "--transport", "x"]])
def test_wrong_command_lines_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(arguments)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["report", "{}"], "^report: no recordings[^?]*$"),
        (["send", "--transport", "tcp-client:127.0.0.1:1"], "^send: cannot use tcp-client:127.0.0.1:1: .*BlueZ"),
        (["listen", "--transport", "usb:9", "--name", "hub", "--metres", "1"], "^listen: cannot use usb:9: .*BlueZ"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, arguments: list[str], reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        cli.main([argument.format(tmp_path) for argument in arguments])


def silent(_line: str) -> None:
    """Say nothing."""


async def test_send_and_listen_over_the_virtual_radio(tmp_path: Path) -> None:
    async with World(WorldPlan(scanners=2, devices=1, loss=LOSS, seed=3)) as world:
        specs = [f"tcp-client:127.0.0.1:{radio.port.port}" for radio in world.radios]
        recordings = [Recording(name, 3.0, kind_of(specs[0])) for name in ("hub", "eve")]
        listening = [
            asyncio.create_task(listen(spec, recording, 60, silent, quiet=1.0)) for spec, recording in zip(specs, recordings, strict=False)
        ]
        while not all(radio.controller and radio.controller.listening for radio in world.scanners):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
        plan = Plan(0xAB, counts=(PACKETS,), repetitions=REPETITIONS, interval=20, pause=0.1)
        await send(specs[2], plan, silent)
        await asyncio.gather(*listening)
        lost = [radio.station.statistics.lost for radio in world.scanners]
    for recording in recordings:
        recording.save(tmp_path / "recordings")
    heard = [sum(len(run.heard) for run in recording.runs.values()) for recording in recordings]
    sent = world.devices[0].station.statistics.sent
    assert sent >= PACKETS * REPETITIONS * 0.9  # a busy machine may fall below the 20 ms floor now and then
    assert heard == [sent - number for number in lost]
    assert load(tmp_path) == recordings[::-1]
    cli.main(["report", str(tmp_path)])
    text = (tmp_path / "radio" / "radio.txt").read_text()
    assert "virtual radio, a simulation" in text
    assert (tmp_path / "radio" / "fig7.csv").read_text().count("\n") == 3
    assert (tmp_path / "radio" / "listeners.csv").read_text().count("\n") == 3
    assert (tmp_path / "radio" / "fig7.png").exists()

"""Overheads: the fits find known growths, the meter counts what is on the wire, and the shapes hold."""

import math
from pathlib import Path

import pytest

from custom_components.self_secure.protocol.packets import FrameType
from experiments.evaluation.pair import SUITES
from experiments.evaluation.report import Setting
from experiments.overhead import evaluation
from experiments.overhead.complexity import PEERS, fit, units
from experiments.overhead.growth import compromised, devices, messages, paired
from experiments.overhead.meter import Meter, stored

SIZES = [2, 4, 8, 16, 32, 64, 128]
EACH = pytest.mark.parametrize("suite", SUITES)


@pytest.mark.parametrize(
    ("values", "growth"),
    [
        ([5.0] * 7, "O(1)"),
        ([5.0, 5.2, 4.9, 5.1, 5.3, 5.0, 5.2], "O(1)"),
        ([3 + 2 * math.log2(n) for n in SIZES], "O(log n)"),
        ([3 + 2 * n for n in SIZES], "O(n)"),
        ([n * math.log2(n) for n in SIZES], "O(n log n)"),
        ([7 + n * n for n in SIZES], "O(n^2)"),
    ],
)
def test_known_growths_are_found(values: list[float], growth: str) -> None:
    assert fit(SIZES, values).growth == growth


def test_the_constants_of_a_line_are_found() -> None:
    found = fit(SIZES, [3.0 + 2 * n for n in SIZES])
    assert (found.constant, found.factor, found.unexplained) == pytest.approx((3, 2, 0), abs=1e-9)


def test_peers_grow_as_table_2_says() -> None:
    assert [(units(peer.transmission, 8), units(peer.calculation, 8), units(peer.space, 8)) for peer in PEERS] == [
        (8, 8, 8),
        (8, 1, 4),
        (4, 8, 4),
    ]
    assert units("0", 8) == 0


@EACH
def test_the_meter_counts_frames_of_a_message(suite: str) -> None:
    pair = paired(suite, "meter")
    meter = Meter.on(pair)
    pair.device_says(b"12345")
    assert meter.frames == {FrameType.DATA: 1, FrameType.DACK: 1}
    assert meter.bytes[FrameType.DATA] == {"paper": 1 + 32 + 64 + 32, "loss": 54, "hybrid": 54}[suite]
    assert meter.ratchet_bytes(suite) == {"paper": 112, "loss": 32, "hybrid": 32}[suite]


@EACH
def test_a_key_update_of_one_node_costs_the_same_among_any_number(suite: str) -> None:
    few, many = (compromised(suite, n, "a") for n in (2, 8))
    assert (few.air, few.device_disk) == (many.air, many.device_disk)
    assert few.air > 0
    assert many.hub_disk == pytest.approx(4 * few.hub_disk, rel=0.02)


@EACH
def test_all_nodes_cost_n_times_one(suite: str) -> None:
    assert devices(suite, 6, "a").air == 3 * devices(suite, 2, "a").air


@EACH
def test_each_message_carries_its_own_key_update_and_nothing_piles_up_on_disk(suite: str) -> None:
    few, many = (messages(suite, n, "a") for n in (4, 12))
    assert many.air == 3 * few.air
    assert many.device_disk == few.device_disk
    assert many.hub_disk == pytest.approx(few.hub_disk, abs=4)  # a mark with more digits


def test_disks_are_measured() -> None:
    hub, device = stored(paired("hybrid", "disk"))
    assert (hub > 300, device) == (True, 95)


def test_the_command_writes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "SIZES", (2, 4))
    report = evaluation.run(Setting(1, full=False, out=tmp_path))
    report.write()
    assert {path.name for path in (tmp_path / "table2").iterdir()} == {
        *(f"table2-{name}.png" for name in ("messages", "devices", "compromised")),
        *("table2.csv", "fits.csv", "measurements.csv", "table2.txt", "table2.json"),
    }

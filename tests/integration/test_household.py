"""The benchmark of many devices, with few of them: all are loaded, nothing blocks."""

from pathlib import Path

from benchmarks.scale import start, writes_per_message


def test_every_device_is_loaded_without_a_blocking_call(tmp_path: Path) -> None:
    figures = start(3, tmp_path)
    assert (figures["loaded"], figures["blocking"]) == (3, 0)
    assert figures["entities"] >= 3 * 8


def test_a_reading_costs_a_write_only_with_its_epoch() -> None:
    assert writes_per_message("readings") < 0.1
    assert writes_per_message("events") < 1.1
    assert writes_per_message("texts from the hub") < 2.1

"""The recordings as tables and plots: the same files as `fig7` writes, and what a second listener means for secrecy."""

from collections.abc import Sequence
from itertools import permutations
import math
from pathlib import Path
from typing import override

from ..evaluation.plots import figure, lines, name_axes
from ..evaluation.report import Cell, Report, Setting
from ..evaluation.statistics import correlation, mean_burst, mean_interval, wilson
from .recording import Recording

FIG7_COLUMNS = ("receiver", "metres", "packets", "repetitions", "loss_percent", "interval_95", "radio_percent", "queue_percent")
PAIR_COLUMNS = (
    *("hub", "eve", "runs", "hub_loss_percent", "eve_loss_percent", "correlation", "eve_mean_burst"),
    *("eve_loss_of_hubs_percent", "bits_per_200_packets", "eve_holds_all", "low_95", "high_95"),
)


class RadioReport(Report):
    """A report that no seed repeats."""

    @property
    @override
    def command(self) -> str:
        return f"scripts/experiments radio report {self.setting.out.name}"


def load(folder: Path) -> list[Recording]:
    """Return every recording of a folder."""
    return [Recording.load(path) for path in sorted((folder / "recordings").glob("*.json"))]


def losses(recordings: Sequence[Recording]) -> dict[tuple[str, float, int], list[float]]:
    """Return the share of lost packets of each run by (listener, metres, packets)."""
    found: dict[tuple[str, float, int], list[float]] = {}
    for recording in recordings:
        for run in recording.runs.values():
            share = sum(run.losses) / run.packets
            found.setdefault((recording.name, recording.metres, run.packets), []).append(share)
    return dict(sorted(found.items()))


def loss_row(key: tuple[str, float, int], shares: list[float]) -> tuple[Cell, ...]:
    """Return one row of FIG7_COLUMNS; where a packet was lost nobody knows."""
    mean, half = mean_interval(shares)
    return (*key, len(shares), round(100 * mean, 2), None if math.isinf(half) else round(100 * half, 2), None, None)


def pair_row(hub: Recording, eve: Recording) -> tuple[Cell, ...] | None:
    """Return what `eve` misses of what `hub` hears, or None when they did not hear the same session."""
    common = sorted(hub.runs.keys() & eve.runs.keys()) if hub.session == eve.session else []
    if not common:
        return None
    runs = [list(zip(hub.runs[number].losses, eve.runs[number].losses, strict=True)) for number in common]
    pairs = [pair for run in runs for pair in run]
    of_hub = [missed for lost, missed in pairs if not lost]
    missing = sum(of_hub) / len(of_hub)
    whole = sum(not any(missed and not lost for lost, missed in run) for run in runs)
    shares = [round(100 * sum(side) / len(pairs), 2) for side in zip(*pairs, strict=True)]
    bursts = mean_burst([missed for _, missed in pairs])
    bits = round(-200 * math.log2(1 - missing), 1) if missing < 1 else None
    measured = (round(correlation(pairs), 3), round(bursts, 2), round(100 * missing, 2), bits)
    return (hub.name, eve.name, len(common), *shares, *measured, whole, *wilson(whole, len(common)))


def draw(report: Report, found: dict[tuple[str, float, int], list[float]]) -> None:
    """One panel per listener, one line per number of packets."""
    names = sorted({name for name, _, _ in found})
    with figure(report, "fig7", len(names), share_y=True) as panels:
        for axes, name in zip(panels, names, strict=True):
            rows = []
            for count in sorted({packets for other, _, packets in found if other == name}):
                places = sorted(metres for other, metres, packets in found if (other, packets) == (name, count))
                points = [mean_interval(found[name, metres, count]) for metres in places]
                halves = [0.0 if math.isinf(half) else 100 * half for _, half in points]
                rows.append((f"{count} packets", places, [100 * mean for mean, _ in points], halves))
            lines(axes, rows)
            name_axes(axes, name, "distance (m)", "packet loss (%)")


def report(folder: Path) -> Report:
    """Make tables and plots of all recordings of a folder; LookupError when there are none."""
    recordings = load(folder)
    found = losses(recordings)
    if not found:
        raise LookupError("no recordings")
    made = RadioReport("radio", Setting(0, full=False, out=folder), ", ".join(sorted({one.kind for one in recordings})))
    made.add("fig7", "Packet loss over distance and number of packets (Fig. 7)", FIG7_COLUMNS, [loss_row(*item) for item in found.items()])
    pairs = [row for hub, eve in permutations(recordings, 2) if (row := pair_row(hub, eve)) is not None]
    made.add("listeners", "Two listeners of the same runs, each as the hub and as Eve", PAIR_COLUMNS, pairs)
    draw(made, found)
    return made

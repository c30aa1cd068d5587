"""`table2`: our overhead beside the three protocols of Table 2, and which O() the measurements fit."""

from collections.abc import Callable, Sequence
import statistics

from ..evaluation.pair import SUITES
from ..evaluation.plots import Axes, figure, lines, name_axes
from ..evaluation.report import Cell, Report, Setting
from .complexity import CLAIM, KEY_BYTES, PEERS, fit, units
from .growth import SCENARIOS, Point, Scenario

KIND = "measured on hub and device in virtual time; X25519 by a library on both sides; peers computed from their O(), 32 bytes a unit"
SIZES = (2, 4, 8, 16, 32, 64)
FULL_SIZES = (*SIZES, 128)
REPEATS = 3  # CPU time: the median of so many
FULL_REPEATS = 3

type Series = dict[tuple[str, str], list[Point]]


def measure(scenario: Scenario, suite: str, n: int, repeats: int, seed: str) -> Point:
    """Return bytes of one run, which the seed fixes, and the median CPU time of several."""
    points = [scenario.measure(suite, n, f"{seed} {scenario.name}") for _ in range(repeats)]
    spent = statistics.median(point.milliseconds for point in points)
    return Point(n, points[0].air, spent, points[0].hub_disk, points[0].device_disk)


def measure_all(sizes: Sequence[int], repeats: int, seed: int) -> Series:
    """Every scenario and suite over n; a first small run warms everything up."""
    for suite in SUITES:
        SCENARIOS[0].measure(suite, 2, "warm")
    return {
        (scenario.name, suite): [measure(scenario, suite, n, repeats, str(seed)) for n in sizes]
        for scenario in SCENARIOS
        for suite in SUITES
    }


MEASURES: dict[str, Callable[[Point], float]] = {
    "transmission": lambda point: point.air,
    "calculation": lambda point: point.milliseconds,
    "space, hub": lambda point: point.hub_disk,
    "space, device": lambda point: point.device_disk,
}


def fits(series: Series) -> list[tuple[Cell, ...]]:
    """Return one row per scenario, suite and overhead: the O() and its constants."""
    rows: list[tuple[Cell, ...]] = []
    for (scenario, suite), points in series.items():
        for measure_name, value in MEASURES.items():
            best = fit([point.n for point in points], [value(point) for point in points])
            unit = "ms" if measure_name == "calculation" else "bytes"
            growth = (best.growth, round(best.constant, 2), round(best.factor, 3), round(best.unexplained, 4))
            rows.append((scenario, suite, measure_name, *growth, unit))
    return rows


def beside(series: Series) -> list[tuple[Cell, ...]]:
    """Return Table 2 with our fits as further rows, for the scenario that the paper compares: one node is compromised."""
    rows: list[tuple[Cell, ...]] = [(peer.name, peer.transmission, peer.calculation, peer.space) for peer in (*PEERS, CLAIM)]
    for suite in SUITES:
        points = series["compromised", suite]
        sizes = [point.n for point in points]
        air, spent, hub, device = (fit(sizes, [value(point) for point in points]).growth for value in MEASURES.values())
        cost = f"{air}, {points[-1].air} bytes"
        rows.append((f"ours, {suite}, measured", cost, f"{spent}, {points[-1].milliseconds:.1f} ms", f"hub {hub}, device {device}"))
    return rows


def draw_peers(axes: Axes, sizes: Sequence[int], overhead: str) -> None:
    """Dashed curves of the three protocols, in bytes."""
    for peer in PEERS:
        growth = peer.transmission if overhead == "transmission" else peer.space
        axes.plot(sizes, [KEY_BYTES * units(growth, n) for n in sizes], "--", linewidth=1, label=f"{peer.name} {growth}, computed")


def draw(report: Report, series: Series, sizes: Sequence[int]) -> None:
    """One plot per scenario: bytes on the air, CPU, bytes on the hub's disk."""
    for scenario in SCENARIOS:
        with figure(report, f"table2-{scenario.name}", 3) as panels:
            for axes, name in zip(panels, ("transmission", "calculation", "space, hub"), strict=True):
                value = MEASURES[name]
                if name != "calculation":
                    draw_peers(axes, sizes, name)
                rows = [(f"{suite}, measured", sizes, [value(point) for point in series[scenario.name, suite]], None) for suite in SUITES]
                axes.set_xscale("log", base=2)
                axes.set_yscale("log")
                lines(axes, rows)
                name_axes(axes, f"{name} ({scenario.meaning})", "n", "ms of CPU" if name == "calculation" else "bytes")
                axes.title.set_fontsize(7)


def run(setting: Setting) -> Report:
    """Measure, fit, tabulate, draw."""
    report = Report("table2", setting, KIND)
    sizes = FULL_SIZES if setting.full else SIZES
    series = measure_all(sizes, FULL_REPEATS if setting.full else REPEATS, setting.seed)
    report.add(
        "table2",
        "Table 2, and ours where one of n nodes is compromised",
        ("protocol", "transmission", "calculation", "space"),
        beside(series),
    )
    of_fits = ("scenario", "suite", "overhead", "fits", "constant", "factor", "unexplained", "unit")
    report.add("fits", "Which O() the measurements fit: y = constant + factor x g(n)", of_fits, fits(series))
    columns = ("n_counts", "suite", "n", "air_bytes", "cpu_ms", "hub_disk_bytes", "device_disk_bytes")
    measurements: list[tuple[Cell, ...]] = [
        (scenario, suite, point.n, point.air, round(point.milliseconds, 2), point.hub_disk, point.device_disk)
        for (scenario, suite), points in series.items()
        for point in points
    ]
    report.add("measurements", "All measurements (bytes that exist for the key update only)", columns, measurements)
    draw(report, series, sizes)
    return report

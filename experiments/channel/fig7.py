"""The paper's feasibility experiment (section 4, Fig. 7) on the propagation and receive-queue model, in virtual time."""

from dataclasses import dataclass, field
import statistics

from simulation.propagation import Air, Hearing
from simulation.receive_queue import FAST_SERVICE, SLOW_SERVICE, ReceiveQueue

from ..evaluation.plots import figure, lines, name_axes
from ..evaluation.report import Cell, Report, Setting
from ..evaluation.statistics import mean_interval

DISTANCES = (0.5, 1.5, 3.0, 4.5, 6.0)  # metres, the paper's
COUNTS = (200, 400, 800)  # packets, the paper's
REPETITIONS = 10  # the paper's
FULL_REPETITIONS = 400  # ten repetitions leave an interval wider than the effect
KIND = "simulation (simulation/propagation.py, simulation/receive_queue.py), virtual time"


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to send and to receive; `payload` = bytes of the PDU."""

    name: str
    payload: int
    interval: float  # s
    service: float  # s per packet at the receiver's host


PROFILES = (
    Profile("64 bytes, 10 ms, host just keeps up", 64, 0.010, SLOW_SERVICE),
    Profile("64 bytes, 10 ms, fast host", 64, 0.010, FAST_SERVICE),
    Profile("ours: 24 bytes in an advertisement, 30 ms, same host", 6 + 31, 0.030, SLOW_SERVICE),
)


@dataclass(slots=True)
class Losses:
    """Shares of lost packets, one per repetition, split by where they were lost."""

    total: list[float] = field(default_factory=list)
    radio: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)


def transfer(profile: Profile, metres: float, packets: int, seed: str) -> tuple[int, int]:
    """Send once; return (lost on the radio, lost in the receive queue)."""
    air, hearing, queue = Air(seed), Hearing(seed, metres), ReceiveQueue(seed, profile.service)
    radio = full = 0
    for number in range(packets):
        if hearing.lost(air.moment(profile.payload), profile.payload):
            radio += 1
        elif not queue.accepts(number * profile.interval):
            full += 1
    return radio, full


def measure(profile: Profile, metres: float, packets: int, repetitions: int, seed: int) -> Losses:
    """Repeat; the same seeds at every distance and length, so that only what is varied varies."""
    losses = Losses()
    for repetition in range(repetitions):
        radio, full = transfer(profile, metres, packets, f"{seed} {repetition}")
        losses.total.append((radio + full) / packets)
        losses.radio.append(radio / packets)
        losses.queue.append(full / packets)
    return losses


SERVICES = (0.008, 0.009, 0.0095, SLOW_SERVICE, 0.010, 0.0105, 0.012)  # s per packet at the host: from well below the pace to above it


def hosts(repetitions: int, seed: int) -> list[tuple[Cell, ...]]:
    """Return the loss in percent at the shortest distance, where the radio loses next to nothing: (ms, one per number of packets)."""
    rows: list[tuple[Cell, ...]] = []
    for service in SERVICES:
        profile = Profile("", PROFILES[0].payload, PROFILES[0].interval, service)
        means = [mean_interval(measure(profile, DISTANCES[0], packets, repetitions, seed).total)[0] for packets in COUNTS]
        rows.append((round(1000 * service, 1), *(round(100 * mean, 2) for mean in means)))
    return rows


type Measured = dict[tuple[str, float, int], Losses]


def measure_all(repetitions: int, seed: int) -> Measured:
    """Every profile, distance and number of packets."""
    return {
        (profile.name, metres, packets): measure(profile, metres, packets, repetitions, seed)
        for profile in PROFILES
        for metres in DISTANCES
        for packets in COUNTS
    }


def tabulate(report: Report, measured: Measured) -> None:
    """Add the table: mean loss in percent with its interval, and its two parts."""
    rows: list[tuple[Cell, ...]] = []
    for (name, metres, packets), losses in measured.items():
        mean, half = mean_interval(losses.total)
        percent = [round(100 * share, 2) for share in (mean, half, statistics.fmean(losses.radio), statistics.fmean(losses.queue))]
        rows.append((name, metres, packets, len(losses.total), *percent))
    columns = ("receiver", "metres", "packets", "repetitions", "loss_percent", "interval_95", "radio_percent", "queue_percent")
    report.add("fig7", "Packet loss over distance and number of packets (Fig. 7), mean of the repetitions", columns, rows)


def draw(report: Report, measured: Measured) -> None:
    """One panel per profile, one line per number of packets, as in Fig. 7."""
    with figure(report, "fig7", len(PROFILES), share_y=True) as panels:
        for axes, profile in zip(panels, PROFILES, strict=True):
            rows = []
            for packets in COUNTS:
                points = [mean_interval(measured[profile.name, metres, packets].total) for metres in DISTANCES]
                rows.append((f"{packets} packets", DISTANCES, [100 * mean for mean, _ in points], [100 * half for _, half in points]))
            lines(axes, rows)
            name_axes(axes, profile.name, "distance (m)", "packet loss (%)")


def run(setting: Setting) -> Report:
    """Measure, tabulate, draw."""
    report = Report("fig7", setting, KIND)
    repetitions = FULL_REPETITIONS if setting.full else REPETITIONS
    measured = measure_all(repetitions, setting.seed)
    tabulate(report, measured)
    title = f"The same at {DISTANCES[0]} m with faster and slower hosts: loss in percent (a packet comes every {1000 * PROFILES[0].interval:.0f} ms)"
    report.add("hosts", title, ("ms_per_packet", *(f"of_{packets}" for packets in COUNTS)), hosts(repetitions, setting.seed))
    draw(report, measured)
    return report

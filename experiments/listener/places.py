"""Eve with one or two receivers somewhere in the building, on the propagation model: what nobody could know from inside."""

from collections.abc import Callable
from dataclasses import dataclass
import math
import statistics

from simulation.propagation import Air, Hearing

from ..evaluation.plots import figure, name_axes
from ..evaluation.report import Cell, Report
from ..evaluation.statistics import correlation, mean_burst, wilson
from .collecting import DEFAULT, TWENTY, Heard, Packet, Rule, broadcast

HUB_METRES = 3.0
PAYLOAD = 6 + 31  # bytes of the PDU of our random packets
GOOD = 10.0  # dB that a good sniffer hears better: a directional antenna
BROADCASTS = 150
FULL_BROADCASTS = 1000


@dataclass(frozen=True, slots=True)
class Sniffer:
    """One receiver of Eve."""

    metres: float
    gain: float = 0.0
    beside_hub: bool = False  # stands so near to the hub that shadowing is the same for both


@dataclass(frozen=True, slots=True)
class Place:
    """Eve's receivers; she puts together what they heard."""

    name: str
    sniffers: tuple[Sniffer, ...]


PLACES = (
    Place("0.5 m from the device", (Sniffer(0.5),)),
    Place("1.5 m from the device", (Sniffer(1.5),)),
    Place("beside the hub, 3 m", (Sniffer(HUB_METRES, beside_hub=True),)),
    Place("elsewhere at 3 m", (Sniffer(3.0),)),
    Place("6 m", (Sniffer(6.0),)),
    Place("12 m", (Sniffer(12.0),)),
    Place("25 m, outside", (Sniffer(25.0),)),
    Place("good sniffer at 12 m", (Sniffer(12.0, GOOD),)),
    Place("two sniffers, 3 m and 6 m", (Sniffer(3.0), Sniffer(6.0))),
    Place("two good sniffers, 6 m and 12 m", (Sniffer(6.0, GOOD), Sniffer(12.0, GOOD))),
)


def scene(place: Place, seed: str) -> Callable[[], Packet]:
    """Return what draws the packets of one broadcast: a shared air, each receiver with its own fading."""
    air, hub = Air(seed), Hearing(f"{seed} hub", HUB_METRES)
    own = [_hearing(sniffer, hub, f"{seed} eve {number}") for number, sniffer in enumerate(place.sniffers)]

    def draw() -> Packet:
        moment = air.moment(PAYLOAD)
        lost = [hearing.lost(moment, PAYLOAD) for hearing in own]
        return hub.lost(moment, PAYLOAD), all(lost)

    return draw


def _hearing(sniffer: Sniffer, hub: Hearing, seed: str) -> Hearing:
    drawn = Hearing(seed, sniffer.metres, sniffer.gain)
    if sniffer.beside_hub:
        drawn.power = hub.power + sniffer.gain
    return drawn


@dataclass(frozen=True, slots=True)
class Listened:
    """Many broadcasts with Eve at one place."""

    place: Place
    rule: Rule
    heard: list[Heard]

    @property
    def whole(self) -> int:
        """How often Eve held the whole set."""
        return sum(one.missed == 0 for one in self.heard)

    def row(self) -> tuple[Cell, ...]:
        """Return one row of COLUMNS."""
        packets = [packet for one in self.heard for packet in one.packets]
        both = [(lost, missed) for lost, missed in packets]
        agreed, missed = sum(len(one.agreed) for one in self.heard), sum(one.missed for one in self.heard)
        bursts = [mean_burst([eve for _, eve in one.packets]) for one in self.heard if any(eve for _, eve in one.packets)]
        low, high = wilson(self.whole, len(self.heard))
        losses = (round(100 * statistics.fmean(side), 2) for side in zip(*packets, strict=True))
        return (
            *(self.place.name, self.rule.name, len(self.heard)),
            *losses,
            round(correlation(both), 3),
            round(statistics.fmean(bursts), 2) if bursts else None,
            round(agreed / len(self.heard), 1),
            round(-agreed / len(self.heard) * math.log2(1 - missed / agreed), 2) if missed else 0.0,
            *(self.whole, self.whole / len(self.heard), low, high),
        )


COLUMNS = (
    "eve",
    "stop_rule",
    "broadcasts",
    "hub_loss_percent",
    "eve_loss_percent",
    "correlation",
    "eve_mean_burst",
    "mean_set",
    "bits_if_all_places_were_average",
    "eve_holds_all",
    "probability",
    "low_95",
    "high_95",
)


def listen(place: Place, rule: Rule, broadcasts: int, seed: int) -> Listened:
    """Broadcast so many times with other shadowing each time."""
    return Listened(place, rule, [broadcast(rule.stop, scene(place, f"{seed} {number}")) for number in range(broadcasts)])


def draw(report: Report, results: list[Listened]) -> None:
    """Plot the probability that Eve holds all, per place and rule."""
    with figure(report, "places") as [axes]:
        axes.figure.set_size_inches(7.5, 4)
        for shift, rule in ((-0.15, TWENTY), (0.15, DEFAULT)):
            mine = [result for result in results if result.rule is rule]
            shares = [result.whole / len(result.heard) for result in mine]
            bounds = [wilson(result.whole, len(result.heard)) for result in mine]
            error = [[share - low for share, (low, _) in zip(shares, bounds, strict=True)]]
            error.append([high - share for share, (_, high) in zip(shares, bounds, strict=True)])
            axes.errorbar(
                shares, [place + shift for place in range(len(mine))], xerr=error, fmt="o", markersize=4, capsize=2, label=rule.name
            )
        axes.set_yticks(range(len(PLACES)), [place.name for place in PLACES])
        axes.set_xlim(-0.02, 1.02)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
        name_axes(axes, f"Probability that Eve holds the whole set, hub at {HUB_METRES:.0f} m", "probability", "")


def run(report: Report) -> None:
    """Add table and plot."""
    count = FULL_BROADCASTS if report.setting.full else BROADCASTS
    results = [listen(place, rule, count, report.setting.seed) for rule in (TWENTY, DEFAULT) for place in PLACES]
    title = f"Eve at other places, hub {HUB_METRES:.0f} m from the device; in suite hybrid holding the whole set is not enough"
    report.add("places", title, COLUMNS, [result.row() for result in results])
    draw(report, results)

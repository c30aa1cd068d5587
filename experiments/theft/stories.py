"""What was stolen, what happens then, and whether a thief who hears everything is still in: verdicts beside protocol.md 11."""

from collections.abc import Callable
from dataclasses import dataclass

from ..evaluation.pair import SUITES, Pair
from ..evaluation.report import Report
from .stealing import follows, steal
from .tap import TappedWorld
from .thief import Thief

MEMORY, STORAGE, BOTH = "chain keys (memory)", "stored key (flash)", "both"
TALK, RENEW, POWER_LOSS, DEAF = "talk", "epoch change", "power loss", "misses one"
IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True)
class Story:
    """`expected` says after each event whether he is in."""

    suite: str
    stolen: str
    events: tuple[str, ...]
    expected: tuple[str, ...]


def story(suite: str, stolen: str, *steps: tuple[str, str]) -> Story:
    """Return a story of (event, expected) steps."""
    return Story(suite, stolen, tuple(event for event, _ in steps), tuple(verdict for _, verdict in steps))


STORIES = (
    story("paper", MEMORY, (TALK, IN), (DEAF, OUT), (TALK, OUT)),
    story("paper", MEMORY, (TALK, IN), (POWER_LOSS, OUT)),
    story("paper", MEMORY, *[(TALK, IN)] * 4, (POWER_LOSS, IN)),
    story("paper", STORAGE, (TALK, IN), (DEAF, OUT), (POWER_LOSS, IN), (DEAF, OUT), (POWER_LOSS, IN)),
    story("paper", BOTH, (TALK, IN), (RENEW, IN), (POWER_LOSS, IN)),
    story("loss", MEMORY, (TALK, IN), (RENEW, OUT)),
    story("loss", MEMORY, (TALK, IN), (DEAF, OUT), (TALK, OUT)),
    story("loss", STORAGE, (TALK, OUT), (RENEW, OUT)),
    story("loss", STORAGE, (POWER_LOSS, IN), (RENEW, IN), (DEAF, OUT), (RENEW, OUT)),
    story("loss", STORAGE, (POWER_LOSS, IN), (DEAF, OUT), (POWER_LOSS, IN)),
    story("loss", BOTH, (TALK, IN), (RENEW, IN), (DEAF, OUT), (RENEW, OUT)),
    story("hybrid", MEMORY, (TALK, IN), (RENEW, OUT)),
    story("hybrid", MEMORY, (TALK, IN), (DEAF, OUT), (TALK, OUT)),
    story("hybrid", STORAGE, (TALK, OUT), (RENEW, OUT)),
    story("hybrid", STORAGE, (POWER_LOSS, OUT)),
    story("hybrid", BOTH, (TALK, IN), (RENEW, OUT)),
    story("hybrid", BOTH, (TALK, IN), (POWER_LOSS, OUT)),
)
TALK_MESSAGES = 10  # each way; four times of it pass one W-round of suite `paper`, once stays within an epoch


class Stage:
    """One pair and one thief, whose ears can be covered."""

    def __init__(self, told: Story, seed: str) -> None:
        suite = SUITES[told.suite]
        self.pair = Pair(suite, seed, TappedWorld)
        self.pair.renew()
        self._deaf = False
        loot = steal(self.pair, suite, memory=told.stolen in (MEMORY, BOTH), storage=told.stolen in (STORAGE, BOTH))
        self.thief = Thief(suite, loot, lambda: self._deaf)
        assert isinstance(self.pair.world, TappedWorld)  # noqa: S101  # tells mypy what was asked for above
        self.pair.world.listeners.append(self.thief)
        self._do: dict[str, Callable[[], None]] = {TALK: self._talk, RENEW: self.pair.renew, POWER_LOSS: self._lose_power, DEAF: self._miss}

    def play(self, event: str) -> str:
        """Let one event happen; return whether he is in."""
        self._do[event]()
        return IN if follows(self.pair, self.thief.chains) else OUT

    def _talk(self) -> None:
        for _ in range(TALK_MESSAGES):
            self.pair.device_says()
            self.pair.hub_says()

    def _lose_power(self) -> None:
        self.pair.power_loss()

    def _miss(self) -> None:
        self._deaf = True
        self.pair.device_says()
        self._deaf = False


def play(told: Story, seed: str) -> tuple[str, ...]:
    """Return what really happened after each event."""
    stage = Stage(told, seed)
    return tuple(stage.play(event) for event in told.events)


COLUMNS = ("suite", "stolen", "events", "thief_afterwards", "as_protocol_md_says")


def run(report: Report) -> None:
    """Add the table."""
    rows = []
    for number, told in enumerate(STORIES):
        seen = play(told, f"{report.setting.seed} story {number}")
        rows.append((told.suite, told.stolen, ", ".join(told.events), ", ".join(seen), "yes" if seen == told.expected else "NO"))
    report.add(
        "theft",
        "A theft at the beginning of an epoch, a thief who hears all but what he 'misses': is he in after each event?",
        COLUMNS,
        rows,
    )

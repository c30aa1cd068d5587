"""A far device behind relays under faults: nothing is lost that was promised, nothing comes twice (protocol.md 10)."""

from collections import Counter
from collections.abc import Callable
import random

import pytest

from experiments.virtual.house import HUB
from experiments.virtual.reuse import Recorder, watched
from tests.virtual.neighbourhood import TEXT, Neighbourhood, identity

STEPS = 60
HEALING = 1500.0  # virtual seconds after which all must have arrived
BESIDE = [(HUB, "b"), (HUB, "d"), ("b", "a"), ("d", "a"), ("b", "d")]  # two relays side by side
BEHIND = [(HUB, "b"), ("b", "d"), ("d", "a")]  # one behind the other


class Storm:
    """One seeded life: two relays, a far device, and everything that may go wrong."""

    def __init__(self, seed: int, near: list[tuple[str, str]]) -> None:
        self.random = random.Random(seed)
        self.house = Neighbourhood("bd", "a", near, seed=seed)
        self.house.set_up("b", "d", "a")
        self.near = set(self.house.house.near)
        self.noise = 0.0
        self.sent: list[str] = []
        self.said: list[str] = []
        self.forgotten: set[str] = set()  # what the device had not delivered when its power failed: its queue is in memory
        self.house.house.tamper = self._tamper
        for relay in "bd":  # both may carry for it
            self.house.hub.tell("a", "send", 0x0A, bytes(2) + identity(relay))
            self.house.house.wait(8)

    def _tamper(self, _sender: str, _receiver: str, fragment: bytes) -> bytes | None:
        """Lose some fragments, change a bit of some."""
        luck = self.random.random()
        if luck < self.noise / 2:
            return None
        if luck < self.noise:
            changed = bytearray(fragment)
            changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
            return bytes(changed)
        return fragment

    # --- what may happen

    def say(self) -> None:
        """The hub sends a text, which it promises to keep."""
        self.sent.append(f"down {len(self.sent)}")
        self.house.hub.tell("a", "send", TEXT, self.sent[-1].encode())

    def hear(self) -> None:
        """The device sends one."""
        core = self.house.nodes["a"].core
        text = f"up {len(self.said)}"
        if len(core.peers[identity("C")].queue) < 8:  # else it refuses
            self.said.append(text)
            core.send(TEXT, text.encode(), self.house.house.ms)

    def power(self) -> None:
        """Somebody loses the power for a while."""
        name = self.random.choice("abd")
        self.forgotten |= {text for text in self.said if text.encode() not in self.house.line("a").bodies(TEXT)} if name == "a" else set()
        self.house.house.power_off(name)
        self.house.house.wait(self.random.uniform(0, 5))
        self.house.house.power_on(name)

    def cut(self) -> None:
        """A link drops."""
        self.house.house.disconnect(self.random.choice("abd"))

    def move(self) -> None:
        """Somebody comes into reach, or goes."""
        self.house.house.near ^= {frozenset(self.random.choice([*BESIDE, (HUB, "a")]))}

    def restart(self) -> None:
        """The hub loses what it has in memory of somebody."""
        self.house.hub.restart(self.random.choice("abd"))

    def interfere(self) -> None:
        """Links become worse, or good again."""
        self.noise = self.random.choice([0, 0.02, 0.1])

    def live(self) -> None:
        """Go through everything at random, then let all be well."""
        weighted: list[Callable[[], None]] = [*3 * [self.say, self.hear], self.power, self.cut, self.move, self.restart, self.interfere]
        for _ in range(STEPS):
            self.random.choice(weighted)()
            self.house.house.wait(self.random.random() * self.random.choice([0.1, 1, 5]))
        self.noise, self.house.house.near = 0, self.near
        self.house.house.run(self._settled, HEALING)

    @property
    def missing(self) -> list[str]:
        """What was promised and has not arrived."""
        shown, heard = self.house.nodes["a"].told("text"), self.house.line("a").bodies(TEXT)
        up = [text for text in self.said if text not in self.forgotten and text.encode() not in heard]
        return [text for text in self.sent if text not in shown] + up

    @property
    def repeated(self) -> list[str]:
        """What has arrived more than once."""
        texts = [*self.house.nodes["a"].told("text"), *(body.decode() for body in self.house.line("a").bodies(TEXT))]
        return [text for text, count in Counter(texts).items() if count > 1]

    def _settled(self) -> bool:
        return self.missing == []


@pytest.mark.parametrize("near", [BESIDE, BEHIND], ids=["beside", "behind"])
@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_and_nothing_comes_twice(seed: int, near: list[tuple[str, str]]) -> None:
    recorder = Recorder()
    with watched(recorder, recorder):
        storm = Storm(seed, near)
        storm.live()
    assert (storm.missing, storm.repeated) == ([], [])
    assert recorder.count > 100
    assert recorder.reused == []  # no key of any hop, or end to end, has encrypted two texts
    assert len(storm.sent) > 5
    assert len(storm.said) > 5

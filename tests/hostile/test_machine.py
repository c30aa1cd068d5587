"""The soak's engine driven by Hypothesis: any order of faults and of the things that go on, shrunk to the shortest that breaks a rule."""

from contextlib import ExitStack

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
import pytest

from experiments.soak.driver import Driver
from experiments.soak.faults import WEIGHTS, table
from experiments.soak.profile import Profile
from experiments.soak.reuse import Reuse

pytestmark = pytest.mark.timeout(240)  # two machines of a minute at most on a busy runner

EXAMPLES, RULES = 250, 80  # some hundred steps of the engine each
PAIRED_STEPS = 150  # after which an undisturbed world is paired


class HubAndDevice(RuleBasedStateMachine):
    """Every fault of the soak is a rule; at the end, without faults, everything comes to rest."""

    @initialize(seed=st.integers(0, 1 << 16), suite=st.sampled_from(["hybrid", "loss", "paper"]), paired=st.booleans())
    def begin(self, seed: int, suite: str, paired: bool) -> None:
        self.stack = ExitStack()
        reuse = Reuse()
        self.stack.enter_context(reuse.watching())
        self.driver = Driver(Profile(suite), seed, reuse)
        self.actions = table(self.driver.faults)
        self.world = self.driver.world
        self.goes_on(PAIRED_STEPS * paired)

    @rule(steps=st.integers(1, 30))
    def goes_on(self, steps: int) -> None:
        for _ in range(steps):
            self.world.step()

    @rule()
    def hub_sends(self) -> None:
        self.driver.faults.hub_sends()
        self.world.settle()

    @rule()
    def device_sends(self) -> None:
        self.driver.faults.device_sends()
        self.world.settle()

    @rule(name=st.sampled_from(sorted(WEIGHTS)), steps=st.integers(0, 12))
    def goes_wrong(self, name: str, steps: int) -> None:
        self.actions[name]()
        self.world.settle()
        self.goes_on(steps)

    @rule(first=st.sampled_from(["cut_hub", "cut_device"]), steps=st.integers(1, 12))
    def power_goes(self, first: str, steps: int) -> None:
        self.actions[first]()
        self.goes_on(steps)

    @invariant()
    def both_share_an_epoch(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        try:
            self.driver.calm()
        finally:
            self.stack.close()


HubAndDevice.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=RULES,
    deadline=None,
    derandomize=True,  # a failure in CI must come again; run the soak with another seed for something new
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestHubAndDevice = HubAndDevice.TestCase

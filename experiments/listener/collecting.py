"""One broadcast between a sender, the hub's own collector with its stop rule, and Eve; no cryptography, so many are cheap."""

from collections.abc import Callable
from dataclasses import dataclass

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.collection import Collection, StopRule
from custom_components.self_secure.protocol.suites import paper

NONCE = bytes(limits.NONCE_SIZE)
VALUE = bytes(limits.RANDOM_SIZE)  # nobody injects here, so what the packets hold does not matter
HUB = "hub"

type Packet = tuple[bool, bool]
"""One packet of the broadcast: (lost at the hub, lost at Eve)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A stop rule and the suites that use it."""

    name: str
    suites: str
    stop: StopRule


def rule(assumed: int) -> StopRule:
    """Return the rule of `loss` and `hybrid` at an assumed loss in percent, everything else as delivered."""
    return StopRule(limits.DEFAULT_MINIMUM, limits.DEFAULT_TARGET_BITS, assumed, limits.DEFAULT_N_MAX)


# the paper leaves N_r open; this is the constant that protocol.md 8 gives its suite, and all that M >= N_r asks for
TWENTY = Rule("20 packets, no target", "paper", StopRule(paper.MINIMUM, 0, 20, paper.N_MAX, blacklists=True, coded_max=paper.CPR_MAX))
DEFAULT = Rule("200 packets, 64 bits at 20 %", "loss, hybrid", rule(limits.DEFAULT_ASSUMED_LOSS))
CAUTIOUS = Rule("200 packets, 64 bits at 5 %", "loss, hybrid", rule(5))
NO_BURSTS = Rule("200 packets, bursts ignored", "(none)", StopRule(limits.DEFAULT_MINIMUM, 0, 20, limits.DEFAULT_N_MAX))
RULES = (TWENTY, DEFAULT, CAUTIOUS)


@dataclass(frozen=True, slots=True)
class Heard:
    """One broadcast: all its packets, and the agreed set S'."""

    packets: list[Packet]
    agreed: list[int]
    complete: bool  # the stop rule was reached before N_max

    @property
    def missed(self) -> int:
        """How many packets of the set Eve lacks; 0 means that she holds the whole pool."""
        return sum(self.packets[seq][1] for seq in self.agreed)


def broadcast(stop: StopRule, draw: Callable[[], Packet]) -> Heard:
    """Send packets until the stop rule holds, at most N_max."""
    collection = Collection(stop, NONCE)
    packets: list[Packet] = []
    while len(packets) < stop.n_max:
        packet = draw()
        if not packet[0]:
            collection.add(HUB, len(packets), VALUE)
        packets.append(packet)
        if not packet[0] and collection.complete():
            return Heard(packets, collection.members(), complete=True)
    return Heard(packets, collection.members(), complete=False)

"""What a life came to, message by message."""

from dataclasses import dataclass

from .fuse import DEVICE_AFTER, HUB_AFTER
from .life import Life, NotRecoveredError


@dataclass(frozen=True, slots=True)
class Verdict:
    """One life. Messages: `lost` without excuse, `unacted` and `forgotten` as the protocol allows them, `repeated`."""

    place: str | None  # where the fuse blew
    recovered: bool
    by_pairing: bool  # only a further negotiation helped
    seconds: float | None  # from the failure until both sides have chains and empty queues
    lost: int
    unacted: int  # acknowledged, but the receiver ended between its mark and the act (at most once, protocol.md 6 rule 6)
    forgotten: int  # waited in the memory of the device that lost it; never reported as delivered
    repeated: int


def judge(life: Life, *, recovered: bool) -> Verdict:
    """Count."""
    texts, ledger, blown = life.node.told("text"), life.ledger, life.fuse.blown
    down = [text for text in ledger.by_hub if text not in texts]
    up = [text for text in ledger.by_device if not ledger.received[text]]
    forgotten = [text for text in up if text in ledger.forgotten]
    gone = len(up) - len(forgotten)
    unacted = min(1, len(down)) * (blown == DEVICE_AFTER) + min(1, gone) * (blown == HUB_AFTER)
    repeated = [text for text in ledger.by_hub if texts.count(text) > 1]
    repeated += [text for text in ledger.by_device if ledger.received[text] > 1]
    world = life.world
    seconds = None if world.failed_at is None or world.recovered_at is None else world.recovered_at - world.failed_at
    lost = len(down) + gone - unacted
    return Verdict(blown, recovered, life.pairings > 1, seconds, lost, unacted, len(forgotten), len(repeated))


def live(life: Life) -> Verdict:
    """Play a life and judge it."""
    try:
        life.live()
    except NotRecoveredError:
        return judge(life, recovered=False)
    return judge(life, recovered=True)

"""Two hubs pair with one device in one broadcast; then each tries to compute the other's key from all that it has."""

from dataclasses import dataclass
import random

from custom_components.self_secure.protocol import sets
from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, PairingCompleted, Verdict
from custom_components.self_secure.protocol.keys import RootKey, Transcript
from custom_components.self_secure.protocol.packets import Frame, FrameType, Request
from custom_components.self_secure.protocol.suites import SUITES
from simulation.loss import LossModel

from ..virtual.hub import LocalHub, MemoryStore
from ..virtual.node import Node
from ..virtual.town import Site, Town

NAMES = ("one", "two")
PATIENCE = 300.0  # virtual seconds, more than the longest broadcast takes
TARGET = 1  # bits; the sizes of the sets are what is compared here
_IN_ORDER = (FrameType.REQ, FrameType.ACC, FrameType.RSP, FrameType.ACK, FrameType.END, FrameType.OPEN)


@dataclass(frozen=True, slots=True)
class Collector:
    """What one hub has of one broadcast."""

    agreed: frozenset[int]  # S'
    heard: dict[int, bytes]  # R by Seq
    frames: list[bytes]  # of its own negotiation, which everybody can read
    code: str | None
    stored: bytes  # SK_0

    def holds(self, other: Collector) -> bool:
        """Whether every packet of the other one's set came here, too."""
        return other.agreed <= self.heard.keys()

    def opens(self, other: Collector, suite: int) -> bool:
        """Whether the other one's key follows from the packets heard here and from what was said in the open."""
        return self.holds(other) and _root(other, self.heard, suite).store().raw == other.stored


def _root(victim: Collector, heard: dict[int, bytes], suite_id: int) -> RootKey:
    """Compute RK_0 of a negotiation without its X25519 result (protocol.md 5)."""
    suite = SUITES[suite_id]
    said = {FrameType(raw[0]): Frame.decode(raw) for raw in victim.frames if raw[0] in _IN_ORDER}
    transcript = Transcript()
    values = [transcript.absorb(said[kind].authenticated).value for kind in _IN_ORDER]
    sid = Request.decode(said[FrameType.REQ]).sid
    pool = suite.pool(values[1], sid, [(seq, heard[seq]) for seq in sorted(victim.agreed)])
    return suite.root(suite.confirm(values[3], pool, b"", b""), values[5])


def collect(suite: int, minimum: int, percent: int, seed: str) -> list[Collector]:
    """Let both pair in one broadcast; empty if one of them did not succeed (it heard too little)."""
    rng = random.Random(seed)
    node = Node(rng.randbytes(16), rng.randbytes, suites=(suite,))
    stores = [MemoryStore() for _ in NAMES]
    sites = []
    for name, store in zip(NAMES, stores, strict=True):
        settings = Settings(hub_id=rng.randbytes(16), floor=suite, minimum=minimum, target_bits=TARGET)
        losses = {name: LossModel(f"{rng.random()}", percent / 100)}
        sites.append(Site(name, LocalHub(settings, rng.randbytes, store), losses))
    town = Town(sites, node)
    for site in sites:
        town.tell(site, "open_pairing", town.now)
    town.run(lambda: all(site.told(CodeReady) or site.told(PairingCompleted) for site in sites), PATIENCE)
    for site in sites:
        if site.told(CodeReady):
            town.tell(site, "answer", Verdict.SAME, town.now)
    if not all(site.told(PairingCompleted) for site in sites):
        return []
    return [_collector(site, store) for site, store in zip(sites, stores, strict=True)]


def _collector(site: Site, store: MemoryStore) -> Collector:
    ack = next(Frame.decode(raw) for raw in site.frames if raw[0] == FrameType.ACK)
    agreed, _ = sets.decode_prefix(ack.message)
    codes = [event.code for event in site.told(CodeReady)]
    stored = bytes.fromhex(store.snapshot["pairings"][0]["keys"]["0"]) if store.snapshot else b""
    return Collector(frozenset(agreed), dict(site.heard), list(site.frames), codes[0] if codes else None, stored)

"""Copies keys out of a device of the virtual world: its memory, its storage, or both."""

from custom_components.self_secure.protocol.keys import ChainKey, StoreKey
from custom_components.self_secure.protocol.suites import SUITES, paper
from self_secure_device.paper import chains as rounds

from ..evaluation.pair import Pair
from .thief import FollowedChain, Loot


def steal(pair: Pair, suite: int, *, memory: bool, storage: bool) -> Loot:
    """Return what a thief copies at this moment.

    In suite `paper` a stored W-round key *was* a chain key: whoever has heard all messages since then follows from there.
    """
    stored = _stored(pair, suite) if storage else ()
    if memory:
        return Loot(_chains(pair, suite), stored)
    return Loot(_chains_from(pair, suite, stored) if stored and SUITES[suite].has_rounds else None, stored)


def _chains(pair: Pair, suite: int) -> tuple[FollowedChain, FollowedChain]:
    session = pair.node.core.peer.session
    sides = enumerate((session.sender, session.receiver))
    first, second = (FollowedChain(SUITES[suite], d, session.epoch, side.seq, ChainKey(side.chain)) for d, side in sides)
    return first, second


def _chains_from(pair: Pair, suite: int, stored: tuple[StoreKey, ...]) -> tuple[FollowedChain, FollowedChain]:
    session = pair.node.core.peer.session
    starts = (side.seq - side.seq % paper.W for side in (session.sender, session.receiver))
    first, second = (
        FollowedChain(SUITES[suite], d, session.epoch, start, ChainKey(key.raw))
        for d, (start, key) in enumerate(zip(starts, stored, strict=True))
    )
    return first, second


def _stored(pair: Pair, suite: int) -> tuple[StoreKey, ...]:
    if not SUITES[suite].has_rounds:
        return (StoreKey(pair.stored_key),)
    newest = (rounds.rounds(pair.stored_key, direction)[0] for direction in (0, 1))
    return tuple(StoreKey(key) for _, key in newest)


def follows(pair: Pair, chains: tuple[FollowedChain, FollowedChain] | None) -> bool:
    """Tell whether a thief has the key of the device's next message to the hub."""
    return chains is not None and chains[0].key.raw == pair.node.core.peer.session.sender.chain

"""The hub's side of the vectors: one `check_<kind>(case_in, expected) -> out` per kind, computed by the hub's own machines.

The initiator's packets come from the case; a field is there only when the hub accepted what came before it. `in.conflicts`
is read as Seq -> values of 20 bytes; the true R takes part where it is not among them, at the place that the case's RSP shows.
"""

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

from custom_components.self_secure.protocol import keys, sets
from custom_components.self_secure.protocol.collection import StopRule, candidate_tag
from custom_components.self_secure.protocol.errors import ProtocolError
from custom_components.self_secure.protocol.group import GroupChainKey, GroupKey, Place
from custom_components.self_secure.protocol.negotiation import Negotiation
from custom_components.self_secure.protocol.packets import Frame, Offer, Request
from custom_components.self_secure.protocol.resume import HeldKey, Live, ResumeResponder
from custom_components.self_secure.protocol.session import Outgoing, ReceivingChain, SendingChain, Session
from custom_components.self_secure.protocol.suites import HYBRID, SUITES, paper
from custom_components.self_secure.protocol.terms import HumanCheckSlot, Terms

type Case = Mapping[str, Any]
SHOWN = 4  # random packets and tags that a case lists


class Script:
    """Entropy that hands out given values in order; IndexError if a machine asks for more."""

    def __init__(self, *values: bytes) -> None:
        self._values = [value for value in values if value]

    def __call__(self, size: int) -> bytes:
        value = self._values.pop(0)
        assert len(value) == size
        return value


def check_coded_set(case: Case, expected: Case) -> dict[str, Any]:
    """Encode, and decode the case's own coded set."""
    numbers = case["numbers"]
    decoded = list(sets.decode(bytes.fromhex(expected["coded"])))
    coded = sets.encode(numbers).hex() if decoded == numbers else f"decodes to {decoded}"
    return {"coded": coded, "deltas": sets.encode_deltas(numbers).hex(), "bitmap": sets.encode_bitmap(numbers).hex()}


def random_of(case: Case, seq: int) -> bytes:
    """R_i = HM(seed, "SSC1 rand" || n_I || u16 i)[:20]: what the device broadcasts."""
    return keys.mac(bytes.fromhex(case["seed"]), b"SSC1 rand" + bytes.fromhex(case["n_i"]) + seq.to_bytes(2))[:20]


def check_negotiation(case: Case, expected: Case) -> dict[str, Any]:
    """Run the responder against the case's m1, m4 and m6."""
    n_i = bytes.fromhex(case["n_i"])
    out: dict[str, Any] = {
        "random": [random_of(case, seq).hex() for seq in range(SHOWN)],
        "tags": [candidate_tag(n_i, seq, random_of(case, seq)).hex() for seq in range(SHOWN)],
    }
    for candidates in _readings(case):
        attempt = _negotiate(case, expected, candidates)
        if attempt.get("m3") == expected["m3"]:
            break
    return out | attempt


def _readings(case: Case) -> Iterator[dict[int, tuple[bytes, ...]]]:
    """Each way to order the candidates of the conflicts; the first that gives the case's RSP is the one meant."""
    rows = {int(seq): _values(case, int(seq), value) for seq, value in dict(case["conflicts"]).items()}
    if not rows:
        yield {}
        return
    longest = max(len(values) for values in rows.values())
    for order in permutations(range(longest)):
        yield {seq: tuple(values[place] for place in order if place < len(values)) for seq, values in rows.items()}


def _values(case: Case, seq: int, value: Any) -> list[bytes]:
    listed = [bytes.fromhex(item) for item in ([value] if isinstance(value, str) else value)]
    true = random_of(case, seq)
    return listed if true in listed or seq not in case["agreed"] else [true, *listed]


def _negotiate(case: Case, expected: Case, candidates: Mapping[int, tuple[bytes, ...]]) -> dict[str, Any]:
    machine = _machine(case)
    out: dict[str, Any] = {}
    try:
        out["m1"] = Request.decode(_frame(expected, "m1")).encode().encode().hex()
        out["m2"] = _answer(machine, expected, "m1")
        _collect(machine, case, candidates)
        out["m3"] = (machine.last_frame or b"").hex()
        out["m5"] = _answer(machine, expected, "m4")
        out["m4"] = _frame(expected, "m4").encode().hex()
        machine.handle(_frame(expected, "m6"), 0)
        out |= _result(machine, case, expected, candidates)
    except (ProtocolError, KeyError) as error:
        out["failure"] = repr(error)
    return out


def _machine(case: Case) -> Negotiation:
    rule = StopRule(case["minimum"], case["target_bits"], case["assumed_loss"], case["n_max"])
    entropy = Script(*(bytes.fromhex(case[name]) for name in ("sk_r", "n_r", "r_r")))
    terms = Terms(hub_id=bytes.fromhex(case["id_r"]), floor=1, rule=rule, human_check=HumanCheckSlot(), psk=bytes.fromhex(case["psk"]))
    return Negotiation(terms, entropy, 0)


def _frame(expected: Case, name: str) -> Frame:
    return Frame.decode(bytes.fromhex(expected[name]))


def _answer(machine: Negotiation, expected: Case, name: str) -> str:
    return (machine.handle(_frame(expected, name), 0) or b"").hex()


def _collect(machine: Negotiation, case: Case, candidates: Mapping[int, tuple[bytes, ...]]) -> None:
    for seq in sorted({*case["received"], *candidates}):
        for value in candidates.get(seq, (random_of(case, seq),)):
            machine.random_packet("vector", (case["sid"], seq, value), 0)
    if machine.last_frame is not None and machine.last_frame[0] != 0x03:  # the case is smaller than its stop rule
        machine.respond(machine.collected(), 0)


def _result(machine: Negotiation, case: Case, expected: Case, candidates: Mapping[int, tuple[bytes, ...]]) -> dict[str, Any]:
    outcome = machine.outcome
    assert outcome is not None
    transcript = keys.Transcript()
    values = [transcript.absorb(_frame(expected, name).authenticated).value for name in ("m1", "m2", "m3", "m4", "m5", "m6")]
    private = keys.DhKey(bytes.fromhex(case["sk_r"])) if case["sk_r"] else None
    pool = outcome.suite.pool(values[1], case["sid"], [(seq, random_of(case, seq)) for seq in case["agreed"]])
    return {
        "m6": _frame(expected, "m6").encode().hex(),
        "th_6": values[5].hex(),
        "pool": pool.hex(),
        "dh": private.exchange(Request.decode(_frame(expected, "m1")).pk_i).hex() if private else "",
        "code": outcome.code,
        "root": outcome.root.raw.hex(),
    }


def check_epoch(case: Case, _expected: Case) -> dict[str, Any]:
    """Derive the keys of an epoch."""
    root = keys.RootKey(bytes.fromhex(case["root"]))
    store = root.store()
    out = {"chain_0": root.chain(0), "chain_1": root.chain(1), "store": store, "fin": root.finish()}
    return {name: key.raw.hex() for name, key in out.items()} | {"kid": store.kid.hex()}


def check_message(case: Case, _expected: Case) -> dict[str, Any]:
    """Send the message, receive it, take the DACK back: both chains must end at the same key."""
    key = keys.ChainKey(bytes.fromhex(case["chain"]))
    sender = SendingChain(HYBRID, key, case["direction"], case["epoch"], case["attempt"])
    receiver = ReceivingChain(HYBRID, key, case["direction"], case["epoch"])
    sender.index = receiver.index = case["seq"]
    rand = bytes.fromhex(case["rand"])
    data = sender.begin(Outgoing(1, case["type"], bytes.fromhex(case["body"]), case["id"]), rand, 0)
    for _ in range(case["attempt"]):
        data = sender.retry(rand, 0) or b""
    _, dack = receiver.receive(Frame.decode(data), bytes.fromhex(case["rand_b"]))
    sender.acknowledge(Frame.decode(dack), 0)
    next_chain = sender.chain.raw.hex() if sender.chain == receiver.chain else "the two ends differ"
    return {"data": data.hex(), "dack": dack.hex(), "next_chain": next_chain}


def check_resume(case: Case, expected: Case) -> dict[str, Any]:
    """Resume as R against the case's R1 and R3."""
    entropy = Script(*(bytes.fromhex(case[name]) for name in ("n_r", "sk_r")))
    machine = ResumeResponder(bytes.fromhex(case["id_r"]), entropy)
    held = [HeldKey(1, epoch, case["suite"], keys.StoreKey(bytes.fromhex(case["stored"][str(epoch)]))) for epoch in case["held_r"]]
    out: dict[str, Any] = {"r0": machine.challenge(0).hex()}
    try:
        resumed = machine.on_offer(_frame(expected, "r1"), held, lambda _key: _live(case), 0)
        assert resumed is not None
        assert isinstance(resumed.root, keys.RootKey)
        offer = Offer.decode(_frame(expected, "r1")).encode().authenticated
        out |= {
            "r1": offer.hex() + _frame(expected, "r1").mac.hex(),
            "r2": resumed.frame.hex(),
            "root": resumed.root.raw.hex(),
            "epoch": resumed.epoch,
        }
        machine.on_finish(_frame(expected, "r3"))
        out["r3"] = _frame(expected, "r3").encode().hex()
    except ProtocolError as error:
        out["failure"] = repr(error)
    return out


def _live(case: Case) -> Live:
    if not case["chain_0"]:
        return Live()
    session = Session(SUITES[case["suite"]], keys.RootKey(bytes(32)), 0, 0, 0)
    session.receiving.chain = keys.ChainKey(bytes.fromhex(case["chain_0"]))
    session.sending.chain = keys.ChainKey(bytes.fromhex(case["chain_1"]))
    return Live(*session.live())


def check_group(case: Case, _expected: Case) -> dict[str, Any]:
    """Seal one message and step."""
    key = GroupKey(Place(case["gid"], case["version"], case["n"]), GroupChainKey(bytes.fromhex(case["gck"])))
    frame = key.seal(case["type"], bytes.fromhex(case["body"])).frame
    return {"frame": Frame.decode(frame).encode().hex(), "next_gck": key.key.step().raw.hex()}


def check_paper_negotiation(case: Case, _expected: Case) -> dict[str, Any]:
    """Formulas (1)-(10) on the case's random messages."""
    message = bytes.fromhex(case["request_message"])
    padded = paper.pad(paper.plain(0, 0, 0, bytes.fromhex(case["request_rand"]), message), bytes.fromhex(case["oaep_seed"]))
    k_0 = paper.initial_key(bytes.fromhex(case["random_messages"][seq]) for seq in case["received"])
    k_d, cpr_s = paper.derived_key(k_0), sets.encode_deltas(case["received"])
    ack_rand = bytes.fromhex(case["ack_rand"])
    read = paper.read_plain(paper.unpad(padded), 0)[3]
    return {
        "request_packet": paper.with_hash(padded).hex() if read == message else "does not read back",
        "k0": k_0.hex(),
        "kd": k_d.hex(),
        "cpr_s": cpr_s.hex(),
        "hmac_rsp": paper.response_tag(k_d, cpr_s).hex(),
        "hmac_ack": paper.ack_tag(k_d, ack_rand).hex(),
        "hmac_end": paper.end_tag(k_d, ack_rand).hex(),
        "k0_dir0": paper.direction_key(k_0, 0).raw.hex(),
        "k0_dir1": paper.direction_key(k_0, 1).raw.hex(),
    }


def check_paper_data(case: Case, _expected: Case) -> dict[str, Any]:
    """Formulas (11)-(15) on one message, read back from its packet."""
    key = keys.ChainKey(bytes.fromhex(case["key"]))
    rand, message = bytes.fromhex(case["rand"]), bytes.fromhex(case["message"])
    k_h, k_e, k_a = paper.split(key)
    padded = paper.pad(paper.plain(0x10, case["retran"], case["seq"], rand, message), bytes.fromhex(case["oaep_seed"]))
    packet = paper.encrypt(k_e, padded) + keys.mac(k_h, padded)
    again = paper.decrypt(k_e, packet[:-32])
    retran, seq, read_rand, read = paper.read_plain(paper.unpad(again), 0x10)
    return {
        "packet": packet.hex(),
        "ack": paper.acknowledgement(k_a, again).hex(),
        "next_key": paper.next_key(key, read, read_rand, seq, retran).raw.hex(),
    }

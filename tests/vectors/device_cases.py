"""The device's side of the vectors: one ``check_<kind>(case_in) -> out`` per kind, computed by the device's core.

The initiator is the device's real negotiation and resume machine; R's packets are built from the device's primitives and
fed to it, so a field is there only when the device accepted what came before.

``in.conflicts`` is read as Seq → candidates in R's order: one value or a list of them, each R (20 bytes of hex) or
already a tag (2 bytes). Where none of them is the true R although the Seq is in ``agreed``, the true one stands first.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from self_secure_device import frames, group, keys, sets, suites
from self_secure_device.crypto import counter_mode, expand, tag
from self_secure_device.errors import DropError
from self_secure_device.negotiation import Negotiation
from self_secure_device.paper import chains, formulas, packets
from self_secure_device.request import Parameters, Request, Secrets
from self_secure_device.resume import Resume
from self_secure_device.session import Receiver, Sender, encode_text
from tests.device.responder import Renewer, Responder

Case = Mapping[str, Any]
NO_SECRET = bytes(32)  # the vectors of `loss` have no X25519 secrets
SHOWN = 4  # random packets and tags that a case lists


def check_coded_set(case: Case) -> dict[str, Any]:
    """Encode, and refuse to answer unless both payloads decode to the same numbers."""
    numbers = list(case["numbers"])
    deltas, bitmap = sets.encode_deltas(numbers), sets.encode_bitmap(numbers)
    count = len(numbers).to_bytes(2)
    for whole in (b"\x00" + count + deltas, b"\x01" + count + bitmap):
        if sets.decode_whole(whole) != numbers:
            return {"coded": "does not decode"}
    return {"coded": sets.encode(numbers).hex(), "deltas": deltas.hex(), "bitmap": bitmap.hex()}


def _request(case: Case) -> Request:
    secrets = Secrets(*(bytes.fromhex(case["n_i"]), case["sid"], bytes.fromhex(case["seed"]), bytes.fromhex(case["sk_i"]) or NO_SECRET))
    parameters = Parameters(case["offered"], case["n_max"], case["interval_ms"], case["wait_s"], bytes.fromhex(case["psk"]))
    return Request(bytes.fromhex(case["id_i"]), parameters, secrets)


def _responder(case: Case) -> Responder:
    given = [bytes.fromhex(case[name]) for name in ("id_r", "n_r", "sk_r", "r_r")]
    return Responder(given[0], given[1], given[2] or NO_SECRET, given[3], case["suite"], bytes.fromhex(case["psk"]))


def _candidates(case: Case, responder: Responder) -> dict[int, list[bytes]]:
    """Return the tags of each conflict, as the module's docstring reads them."""
    found: dict[int, list[bytes]] = {}
    for key, value in dict(case.get("conflicts") or {}).items():
        seq = int(key)
        values = [bytes.fromhex(item) for item in ([value] if isinstance(value, str) else value)]
        tags = [item if len(item) == 2 else responder.tag_of(seq, item) for item in values]
        true = responder.tag_of(seq, responder.random[seq])
        missing = true not in tags and seq in case["agreed"]
        found[seq] = [true] + tags if missing else tags  # noqa: RUF005  # MicroPython has no unpacking in a list
    return found


def check_negotiation(case: Case) -> dict[str, Any]:
    """Run the initiator against R's packets; a step that it refuses ends the answer with ``failure``."""
    request, responder = _request(case), _responder(case)
    machine = Negotiation(request, bytes.fromhex(case["r_i"]), 0)
    out: dict[str, Any] = {"m1": request.frame.hex()}
    try:
        _negotiate(case, machine, responder, out)
    except (DropError, AssertionError) as error:
        out["failure"] = repr(error)
    if machine.failure is not None:
        out["failure"] = machine.failure
    return out


def _negotiate(case: Case, machine: Negotiation, responder: Responder, out: dict[str, Any]) -> None:
    bounds = (case["minimum"], case["target_bits"], case["assumed_loss"], case["n_max"])
    accept = responder.accept(machine.request.frame, *bounds)
    out["m2"] = accept.hex()
    machine.receive(frames.decode(accept), 0)
    for _ in range(case["broadcast"]):
        _, seq, random = machine.next_random()
        responder.random[seq] = random
    out["random"] = [responder.random[seq].hex() for seq in range(SHOWN)]
    out["tags"] = [responder.tag_of(seq, responder.random[seq]).hex() for seq in range(SHOWN)]
    out["dh"] = machine.shared.hex()  # the vectors show it, no caller may
    _confirm(case, machine, responder, out)


def _confirm(case: Case, machine: Negotiation, responder: Responder, out: dict[str, Any]) -> None:
    conflicts = _candidates(case, responder)
    response = responder.respond([seq for seq in case["received"] if seq not in conflicts], conflicts)
    out["m3"] = response.hex()
    ack = machine.receive(frames.decode(response), 0)
    out["m4"] = ack.hex()
    end = responder.confirm(ack)
    out["m5"] = end.hex()
    out["pool"] = responder.pool(responder.agreed).hex()
    opened = machine.receive(frames.decode(end), 0)
    out["m6"] = opened.hex()
    out["th_6"] = machine.transcript.hex()  # the vectors show it, no caller may
    responder.finish(opened)
    out["code"] = machine.code or responder.code
    out["root"] = machine.take_root().hex()


def check_epoch(case: Case) -> dict[str, Any]:
    """Derive the keys of an epoch."""
    root = bytes.fromhex(case["root"])
    out = {"chain_0": keys.chain_key(root, 0), "chain_1": keys.chain_key(root, 1), "store": keys.store_key(root)}
    out |= {"fin": keys.finish_key(root), "kid": keys.key_id(keys.store_key(root))}
    return {name: value.hex() for name, value in out.items()}


def check_message(case: Case) -> dict[str, Any]:
    """Send the message, receive it, take the DACK back: both chains must end at the same key."""
    chain = bytes.fromhex(case["chain"])
    suite = suites.HYBRID
    sender = Sender(suite, case["direction"], case["epoch"], chain)
    receiver = Receiver(suite, case["direction"], case["epoch"], chain)
    sender.seq = receiver.seq = case["seq"]
    sender.load(encode_text(case["type"], case["id"], bytes.fromhex(case["body"])))
    data = b""
    for _ in range(case["attempt"] + 1):
        data = sender.attempt(bytes.fromhex(case["rand"]), 0)
    accepted = receiver.open(frames.decode(data), bytes.fromhex(case["rand_b"]))
    receiver.commit(accepted)
    sender.acknowledge(frames.decode(accepted.dack))
    next_chain = receiver.chain.hex() if receiver.chain == sender.chain else "the two ends differ"
    return {"data": data.hex(), "dack": accepted.dack.hex(), "next_chain": next_chain}


def check_resume(case: Case) -> dict[str, Any]:
    """Resume as I against R's packets."""
    stored = {int(epoch): bytes.fromhex(key) for epoch, key in case["stored"].items()}
    suite = suites.SUITES[case["suite"]]
    chains = (bytes.fromhex(case["chain_0"]), bytes.fromhex(case["chain_1"])) if case["chain_0"] else None
    session = SimpleNamespace(chains=lambda: chains)
    held = sorted(case["held_i"], reverse=True)
    entries = [SimpleNamespace(suite=suite, epoch=epoch, store=stored[epoch], session=session) for epoch in held]
    secrets = [bytes.fromhex(case[name]) or NO_SECRET for name in ("sk_r", "sk_i")]
    renewer = Renewer(bytes.fromhex(case["id_r"]), bytes.fromhex(case["n_r"]), secrets[0])
    resume = Resume()
    r1 = resume.answer(frames.decode(renewer.hello), entries, bytes.fromhex(case["n_i"]), secrets[1])
    r2 = renewer.renew(r1, {epoch: stored[epoch] for epoch in case["held_r"]}, case["suite"], chains)
    out = {"r0": renewer.hello.hex(), "r1": r1.hex(), "r2": r2.hex()}
    try:
        renewal = resume.renew(frames.decode(r2))
    except DropError as error:
        return out | {"failure": repr(error)}
    return out | {"r3": renewal.frame.hex(), "root": renewal.root.hex(), "epoch": renewal.epoch}


def check_group(case: Case) -> dict[str, Any]:
    """Seal as the hub does, of this core's primitives; a member has to open that, and to step to the same key."""
    key, gid, version, n = bytes.fromhex(case["gck"]), case["gid"], case["version"], case["n"]
    g = group.place(gid, version, n)
    sealed = counter_mode(expand(key, b"SSC1 genc" + g), bytes([case["type"]]) + bytes.fromhex(case["body"]))
    head = frames.encode_head(frames.GROUP, g[:6] + sealed, 0, n)
    frame = frames.decode(head + tag(expand(key, b"SSC1 gmac" + g), head[: frames.HEADER_BYTES], g, sealed))
    opened = group.opened(key, g, frame)
    same = opened[0] == case["type"] and opened[1:].hex() == case["body"]
    return {"frame": frame.raw.hex() if same else "does not open", "next_gck": group.stepped(key).hex()}


def check_paper_negotiation(case: Case) -> dict[str, Any]:
    """Formulas (1) to (10) on the case's random messages; the coded set and REQ must read back."""
    entropy = bytes.fromhex(case["request_rand"]) + bytes.fromhex(case["oaep_seed"])
    message, rand = bytes.fromhex(case["request_message"]), bytes.fromhex(case["ack_rand"])
    packet = packets.hashed(frames.REQ, message, entropy)
    initial = formulas.initial_key(bytes.fromhex(case["random_messages"][seq]) for seq in case["received"])
    derived = formulas.derived_key(initial)
    coded = sets.encode_deltas(case["received"])
    out = {"request_packet": packet[1:] if _read(frames.REQ, packet[1:-32]).message == message else b""}
    out.update({"k0": initial, "kd": derived, "cpr_s": coded if list(sets.decode_deltas(coded)) == case["received"] else b""})
    out.update({"hmac_rsp": formulas.response_tag(derived, coded), "hmac_ack": formulas.acknowledge_tag(derived, rand)})
    out.update({"hmac_end": formulas.end_tag(derived, rand)})
    out.update({"k0_dir0": formulas.direction_key(initial, 0), "k0_dir1": formulas.direction_key(initial, 1)})
    return {name: value.hex() for name, value in out.items()}


def _read(kind: int, padded: bytes) -> Any:
    packet = packets.Packet(kind, b"", padded, b"")
    packet.read(padded)
    return packet


def check_paper_data(case: Case) -> dict[str, Any]:
    """Send the message, read it back from its packet, take a DACK with the ACK that the receiver computes."""
    key, entropy = bytes.fromhex(case["key"]), bytes.fromhex(case["rand"]) + bytes.fromhex(case["oaep_seed"])
    sender = chains.PaperSender(0, 0, key)
    sender.seq = case["seq"]
    sender.load(bytes.fromhex(case["message"]))
    packet = b""
    for _ in range(case["retran"] + 1):
        packet = sender.attempt(entropy, 0)
    _, cipher_key, ack_key = formulas.split(key)
    padded = formulas.decrypt(cipher_key, packet[1:-32])
    read = _read(frames.DATA, padded)
    ack = formulas.acknowledgement(ack_key, padded)
    sender.acknowledge(packets.decode(packets.hashed(frames.DACK, ack, bytes(48), seq=case["seq"] + 1)), lambda _: None)
    theirs = formulas.next_key(key, read.message, read.rand, read.seq, read.retran)
    next_key = theirs.hex() if theirs == sender.chain else "the two ends differ"
    return {"packet": packet[1:].hex(), "ack": ack.hex(), "next_key": next_key}


KINDS = {
    "coded_set": check_coded_set,
    "negotiation": check_negotiation,
    "epoch": check_epoch,
    "message": check_message,
    "resume": check_resume,
    "group": check_group,
    "paper_negotiation": check_paper_negotiation,
    "paper_data": check_paper_data,
}

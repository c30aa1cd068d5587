"""Group messages, hub to many: formulas, forms and the sender's versions (protocol.md 9)."""

import hashlib
import hmac
import json

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import (
    CommandError,
    GroupUsedUpError,
    LocalError,
    MalformedError,
    MessageTooLargeError,
)
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.group import INFORMATION, GroupChainKey, GroupKey, Place, decode_sync, receipts
from custom_components.self_secure.protocol.group_sender import Group
from custom_components.self_secure.protocol.packets import Frame, FrameType

from .test_vectors import FILES

CASES = [case for path in FILES for case in json.loads(path.read_text(encoding="utf-8"))["cases"] if case["kind"] == "group"]
SECRET = bytes(range(32))
PLACE = Place(0x0102, 3, 4)
KEY = GroupKey(PLACE, GroupChainKey(SECRET))
ANN, BOB = b"A" * 16, b"B" * 16


def begun(gid: int = 7, version: int = 0) -> Group:
    group = Group(gid, version)
    group.begin(group.next_version(), {ANN: 1}, SECRET)
    return group


# --- formulas


@pytest.mark.parametrize("case", CASES)
def test_the_known_answer(case: dict[str, dict[str, object]]) -> None:
    given, expected = case["in"], case["out"]
    place = Place(int(str(given["gid"])), int(str(given["version"])), int(str(given["n"])))
    key = GroupKey(place, GroupChainKey(bytes.fromhex(str(given["gck"]))))
    assert key.seal(int(str(given["type"])), bytes.fromhex(str(given["body"]))).frame.hex() == expected["frame"]
    assert key.key.step().raw.hex() == expected["next_gck"]


def test_the_formulas_as_they_are_written() -> None:
    """Recomputed with another library's HKDF."""
    g = bytes.fromhex("01020000000300000004")
    cipher_key = HKDFExpand(SHA256(), 32, b"SSC1 genc" + g).derive(SECRET)
    mac_key = HKDFExpand(SHA256(), 32, b"SSC1 gmac" + g).derive(SECRET)
    sealed = Cipher(AES256(cipher_key), CTR(bytes(16))).encryptor().update(b"\x02hello")
    header = bytes.fromhex("1200000c00000004")
    tag = hmac.digest(mac_key, header + g + sealed, hashlib.sha256)[:16]
    assert KEY.seal(MessageType.TEXT, b"hello").frame == header + g[:6] + sealed + tag
    assert KEY.step() == GroupKey(Place(0x0102, 3, 5), GroupChainKey(hmac.digest(SECRET, b"SSC1 gstep", hashlib.sha256)))


def test_no_key_seals_two_messages_alike() -> None:
    keys = [KEY, KEY.step(), GroupKey(Place(0x0103, 3, 4), KEY.key), GroupKey(Place(0x0102, 4, 4), KEY.key)]
    assert len({key.seal(MessageType.TEXT, bytes(64)).frame[14:] for key in keys}) == len(keys)


@pytest.mark.parametrize("kind", sorted(set(MessageType) - INFORMATION))
def test_commands_are_refused(kind: MessageType) -> None:
    with pytest.raises(CommandError):
        KEY.seal(kind, b"open the door")


def test_the_longest_body_and_one_more() -> None:
    assert len(KEY.seal(MessageType.TEXT, bytes(limits.BODY_MAX)).frame) <= limits.FRAME_MAX
    with pytest.raises(MessageTooLargeError):
        KEY.seal(MessageType.TEXT, bytes(limits.BODY_MAX + 1))


def test_nothing_shows_a_key() -> None:
    message = KEY.seal(MessageType.TEXT, b"hello")
    assert all(SECRET.hex() not in text and repr(SECRET)[2:-1] not in text for text in (repr(KEY), repr(message)))


# --- forms


def test_group_key_and_its_bytes_are_one() -> None:
    data = bytes.fromhex("01020000000300000004") + SECRET
    assert KEY.encode() == data
    assert GroupKey.decode(data) == KEY
    assert Frame.decode(KEY.seal(MessageType.TEXT, b"").frame).type is FrameType.GROUP


@pytest.mark.parametrize("size", [0, 10, 41, 43])
def test_a_group_key_of_another_length(size: int) -> None:
    with pytest.raises(MalformedError):
        GroupKey.decode(bytes(size))


@pytest.mark.parametrize("size", [9, 11])
def test_a_place_of_another_length(size: int) -> None:
    with pytest.raises(MalformedError):
        Place.decode(bytes(size))


def test_a_sync() -> None:
    assert decode_sync(bytes.fromhex("010200000003")) == (0x0102, 3)


@pytest.mark.parametrize("size", [0, 5, 7])
def test_a_sync_of_another_length(size: int) -> None:
    with pytest.raises(MalformedError):
        decode_sync(bytes(size))


RECEIPT = bytes([6, 10]) + bytes(PLACE)


@pytest.mark.parametrize(
    ("info", "found"),
    [
        (b"", 0),
        (RECEIPT, 1),
        (b"\x01\x04Node" + RECEIPT, 1),
        (RECEIPT + RECEIPT, 2),
        (RECEIPT[:-1], 0),
        (bytes([6, 9]) + bytes(PLACE)[:9], 0),
        (bytes([6, 11]) + bytes(PLACE) + b"x", 0),
        (bytes([7, 10]) + bytes(PLACE), 0),
        (RECEIPT + b"\x06", 1),
    ],
)
def test_receipts_in_an_info(info: bytes, found: int) -> None:
    assert list(receipts(info)) == [PLACE] * found


@pytest.mark.parametrize(("n", "reaches"), [(3, False), (4, True), (68, True), (69, False)])
def test_how_far_a_member_goes_forward(n: int, reaches: bool) -> None:
    assert PLACE.reaches(Place(0x0102, 3, n)) is reaches


@pytest.mark.parametrize("other", [Place(0x0101, 3, 4), Place(0x0102, 4, 4), Place(0x0102, 2, 4)])
def test_no_member_goes_to_another_version_or_group(other: Place) -> None:
    assert not PLACE.reaches(other)


# --- the sender's versions


def test_nothing_is_sealed_before_a_version_has_begun() -> None:
    with pytest.raises(LocalError):
        Group(7).seal(MessageType.TEXT, b"")


def test_messages_follow_each_other_in_a_version() -> None:
    group = begun()
    places = [group.seal(MessageType.TEXT, b"x").place for _ in range(3)]
    assert places == [Place(7, 1, 0), Place(7, 1, 1), Place(7, 1, 2)]
    assert group.present is not None
    assert group.present.place == Place(7, 1, 3)


def test_what_is_refused_takes_no_step() -> None:
    group = begun()
    with pytest.raises(CommandError):
        group.seal(MessageType.BYTES, b"x")
    assert group.seal(MessageType.TEXT, b"x").place.n == 0


@pytest.mark.parametrize("roster", [{ANN: 2}, {ANN: 1, BOB: 1}, {BOB: 1}, {}], ids=["re-pair", "join", "another", "leave"])
def test_join_leave_and_a_new_pairing_need_a_new_version(roster: dict[bytes, int]) -> None:
    group = begun()
    assert not group.is_stale({ANN: 1})
    assert group.is_stale(roster)


def test_a_restart_needs_a_new_version() -> None:
    group = Group(7, version=5)
    assert group.is_stale({})
    assert group.next_version() == 6


@pytest.mark.parametrize("version", [0, 5])
def test_versions_rise(version: int) -> None:
    with pytest.raises(LocalError):
        Group(7, version=5).begin(version, {}, SECRET)


def test_the_last_version() -> None:
    group = Group(7, version=limits.U32_MAX - 1)
    group.begin(group.next_version(), {}, SECRET)
    with pytest.raises(GroupUsedUpError):
        group.next_version()


def test_the_last_message_of_a_version() -> None:
    last = GroupKey(Place(7, 1, limits.U32_MAX), GroupChainKey(SECRET))
    with pytest.raises(LocalError):
        last.step()
    group = begun()
    group._present = last
    assert group.seal(MessageType.TEXT, b"").place.n == limits.U32_MAX
    assert group.is_stale({ANN: 1})


@pytest.mark.parametrize(("told", "following"), [(0, 6), (5, 6), (6, 7), (5 + limits.GROUP_LEAP_MAX, 6 + limits.GROUP_LEAP_MAX)])
def test_a_member_that_knows_a_later_version_moves_the_group_beyond_it(told: int, following: int) -> None:
    group = Group(7, version=5)
    assert group.asked(told, {}, refused=False) is None
    assert group.next_version() == following


def test_a_member_alone_cannot_use_the_versions_up() -> None:
    group = Group(7, version=5)
    for _ in range(3):
        group.asked(limits.U32_MAX, {}, refused=False)
    assert group.next_version() == 6 + limits.GROUP_LEAP_MAX


def test_who_has_lost_the_key_gets_the_present_one() -> None:
    group = begun()
    group.seal(MessageType.TEXT, b"x")
    assert group.asked(1, {ANN: 1}, refused=False) == group.present
    assert group.present is not None
    assert group.present.place.n == 1


@pytest.mark.parametrize(("version", "refused"), [(2, False), (2, True), (1, True)])
def test_who_knows_what_is_not_ours_gets_nothing_before_the_next_version(version: int, refused: bool) -> None:
    """A version of a backup that was restored: its number was used before, with another key."""
    group = begun()
    assert group.asked(version, {ANN: 1}, refused=refused) is None
    assert group.is_stale({ANN: 1})
    assert group.next_version() == version + 1


def test_a_key_of_an_older_version_may_be_refused() -> None:
    """Two groups have had the same number: what an earlier version of ours meets is not the present one's matter."""
    group = begun(version=5)
    assert group.asked(5, {ANN: 1}, refused=True) == group.present


def test_nobody_is_answered_while_the_group_changes() -> None:
    assert begun().asked(1, {ANN: 1, BOB: 1}, refused=False) is None
    assert Group(7, version=5).asked(5, {}, refused=False) is None


# --- a new version


def renewing(group: Group, *rosters: dict[bytes, int]) -> list[int]:
    """Renew for these rosters, one after the other as they are asked for; return the versions written."""
    asked = iter(rosters)
    return list(group.renewal(lambda: next(asked), bytes))


def test_a_renewal_writes_a_version_and_uses_it_behind_that() -> None:
    group = Group(7)
    steps = group.renewal(lambda: {ANN: 1}, lambda size: SECRET[:size])
    assert next(steps) == 1
    assert (group.version, group.present) == (0, None)
    assert list(steps) == []
    assert group.present == GroupKey(Place(7, 1, 0), GroupChainKey(SECRET))


def test_what_is_not_stale_writes_nothing() -> None:
    assert renewing(begun(), {ANN: 1}) == []


def test_who_leaves_during_the_write_is_not_in_the_version() -> None:
    group = Group(7)
    assert renewing(group, {ANN: 1, BOB: 1}, {ANN: 1}, {ANN: 1}) == [1]
    assert group.roster == {ANN: 1}


def test_what_a_member_tells_during_the_write_needs_another_version() -> None:
    group = Group(7)
    steps = group.renewal(lambda: {ANN: 1}, bytes)
    assert next(steps) == 1
    group.asked(8, {ANN: 1}, refused=False)
    assert next(steps) == 9
    assert list(steps) == []
    assert (group.version, group.is_stale({ANN: 1})) == (9, False)

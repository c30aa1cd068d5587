"""Every bound of the protocol, each with its reason (protocol.md 3-7)."""

from typing import Final

# --- identities and nonces
IDENTITY_SIZE: Final = 16  # id_I, id_R
NONCE_SIZE: Final = 16  # n_I, n_R, r_I, r_R, Rand, RandB
PUBLIC_KEY_SIZE: Final = 32  # X25519
DIGEST_SIZE: Final = 32  # SHA-256
MAC_SIZE: Final = 16  # every tag is truncated to 16 bytes
KID_SIZE: Final = 4  # names a stored key without telling it
TAG_SIZE: Final = 2  # names one candidate of a conflict

# --- frames and fragments (protocol.md 3 and 4)
HEADER_SIZE: Final = 8  # Phase, Retran, Len, Seq
FRAME_MAX: Final = 1024  # byte 1,025 discards the frame
FRAGMENTS_MAX: Final = 128  # the number has seven bits
TEXT_MIN: Final = 9  # type u8 and id u64 of a message
BODY_MAX: Final = 975  # header 8 + Rand 16 + type 1 + id 8 + body + MAC 16 <= 1,024
INNER_FRAME_MAX: Final = 960  # through a relay (protocol.md 10): behind path and ttl in one DATA of the hop
INNER_BODY_MAX: Final = 911  # of a message in such a frame
RELAY_TTL: Final = 4  # hops that a frame may take
U8_MAX: Final = 0xFF
U16_MAX: Final = 0xFFFF
U32_MAX: Final = 0xFFFF_FFFF
U64_MAX: Final = 0xFFFF_FFFF_FFFF_FFFF

# --- negotiation (protocol.md 4 and 5)
SUITES_MAX: Final = 8
PACKETS_FLOOR: Final = 16  # least N_r that anybody may ask for
N_MAX_LIMIT: Final = 2048  # most packets of one broadcast
INTERVAL_MIN_MS: Final = 20
INTERVAL_MAX_MS: Final = 1000
ASSUMED_LOSS_MIN: Final = 1  # percent
ASSUMED_LOSS_MAX: Final = 90
RANDOM_SIZE: Final = 20  # R of one advertisement
CANDIDATES_MAX: Final = 3  # a fourth R for one Seq drops the Seq
CONFLICTS_MIN_CAP: Final = 8
CONFLICTS_MAX: Final = 64  # what RSP may report
CONFLICTS_PERCENT: Final = 5  # of the set, beyond which somebody is jamming
TAGS_PER_PAGE: Final = 450  # a TAGS answer fits one frame
PROGRESS_SECONDS: Final = 0.5  # between two reports of the collection: a bar moves, whatever the number of scanners and their pace
SCANNER_MISSES_MIN: Final = 8  # leave-one-scanner-out
TURN_STEP: Final = 1.0  # s between looks whether the user has answered for another device
T_2: Final = 5.0  # s, answer to RSP
T_3: Final = 3.0  # s, answer to END
SLACK_PER_PACKET: Final = 0.005  # s, an advertiser's random delay in T_1
T_1_FACTOR: Final = 1.1
T_1_EXTRA: Final = 1.0  # s
PENDING_LIFETIME: Final = 600.0  # s, for the user's answer
KEYS_MAX: Final = 6  # e*, e', answered ones, one pending
CODE_MODULUS: Final = 1_000_000  # six digits
PSK_MIN: Final = 16  # bytes: 128 bits, never a PIN

# --- defaults, protocol.md 4
DEFAULT_MINIMUM: Final = 200  # N_r
DEFAULT_TARGET_BITS: Final = 64
DEFAULT_ASSUMED_LOSS: Final = 20  # percent
DEFAULT_N_MAX: Final = 2048
DEFAULT_W: Final = 32
DEFAULT_OMEGA: Final = 5

# --- communication and epochs (protocol.md 6 and 7)
RTO_FIRST: Final = 2.0  # s
RTO_MIN: Final = 0.5
RTO_MAX: Final = 8.0
QUEUE_MAX: Final = 64  # messages a hub keeps per device
EPOCH_MESSAGES_MAX: Final = 48  # R0 at once, whatever is outstanding
EPOCH_SECONDS: Final = 86_400.0  # 24 h
RESUME_TIMEOUT: Final = 5.0  # s, R0 or R2 unanswered
RESUME_REST_FIRST: Final = 2.0  # s without a contact of our own after a failed resume, doubling
RESUME_REST_MAX: Final = 600.0  # s, as T_W
RESUME_ENTRIES_MAX: Final = 4  # in R1
R0_PER_CONNECTION: Final = 3
GREETING_DELAY: Final = 0.5  # s; a device that has one hub speaks at once, one of several waits until it knows which is there
CALL_SILENCE: Final = 0.4  # s; a device that knows who is there says at once what it has, and hangs up after half a second
CALL_REST_FIRST: Final = 4.0  # s without a contact after a call of the device that was for another hub, doubling: time for three others
CALL_REST_MAX: Final = 60.0  # s; so late may a message of a device be while another hub of it is away
RESUME_FAILURES_MAX: Final = 3  # then the user is offered the full negotiation
KIDS_REMEMBERED: Final = 8  # for the hint of a stale copy

# --- groups (protocol.md 9)
GROUP_SKIP_MAX: Final = 64  # steps that a member goes forward for one frame, and frames that wait for one member
GROUPS_PER_DEVICE: Final = 4  # a microcontroller keeps so many keys of one hub; another one takes the place of the oldest
GROUP_RETRY: Final = 5.0  # s without a receipt: a member's own queue of eight messages goes first
GROUP_SILENCES_DOUBTFUL: Final = 2  # frames without a receipt, then a resume: the member's own chain may be frozen
GROUP_SILENCES_MAX: Final = 6  # frames without a receipt over open links, as many as attempts of a message; then the next one
GROUP_LEAP_MAX: Final = 0x1_0000  # versions that a member's word moves a group forward: one member alone shall not use them up

# --- refusal (protocol.md 5 rule 6)
REQUESTS_MAX: Final = 5
REQUESTS_SECONDS: Final = 60.0
REFUSAL_FIRST: Final = 60.0  # T_d
REFUSAL_MAX: Final = 3600.0
ADDRESSES_REMEMBERED: Final = 64
REQUEST_TIMEOUT: Final = 15.0  # s after subscribing; a device with an uncommitted key waits 5 s before REQ
CONTACT_TIMEOUT: Final = 120.0  # s for the first connection of a pairing (the initiator's T_H)
SILENCE_TIMEOUT: Final = 8.0  # s without any random packet: ACC may be lost, send it again
SILENCE_MAX: Final = 40.0  # s without any random packet: the device does not broadcast
FAREWELL: Final = 10.0  # s in which a NAK may still be delivered after a failure

"""Every bound of the protocol, with its reason; times in milliseconds."""

SECOND = 1000
MINUTE = 60 * SECOND

# Negotiation (protocol.md 4 and 5). What lies outside is dropped.
MIN_PACKETS = 16  # smallest N_r: fewer hide nothing
MAX_PACKETS = 2048  # largest N_max: 72 s of broadcast
MIN_LOSS, MAX_LOSS = 1, 90  # percent; outside, the formula says nothing useful
DEFAULT_INTERVAL = 30  # the shortest that all radios keep with jitter
DEFAULT_WAIT = 15  # seconds, the paper's waiting phase
MAX_CONFLICTS = 64  # per RSP
MIN_CONFLICT_CAP = 8  # a small set may still hold this many
CONFLICT_PERCENT = 5  # of the set, beyond which somebody is jamming
MIN_CANDIDATES, MAX_CANDIDATES = 2, 3  # tags of one conflict
LEFT_OUT = 0xFF  # in ACK: none of the candidates is true
TAGS_PER_PAGE = 450  # two bytes each fill a frame
MAX_KEYS = 4  # shared with one hub: what one R1 can list
MAX_HUBS = 4  # chains, queue and keys of each cost a small heap about a kilobyte
MAX_NEGOTIATIONS = 4  # running at a time; the specification allows 8
KEY_HOLD_DELAY = 5 * SECOND  # with an uncommitted key, before REQ: VERIFIED or R0 may be on its way
JOIN_DELAY = SECOND // 2  # a hub that has something to say of a running negotiation has said it by then; another one waits for REQ
YIELD_DELAY = SECOND // 2  # without traffic, before a hub makes room for another one that waits
STRANGER_DELAY = 3 * SECOND  # as above, for one that has not shown yet which hub it is
OPEN_TIME = 11 * MINUTE  # one more than R waits for its user
PAIR_WINDOW = 10 * MINUTE  # how long a local action asks for a new pairing, as long as R waits
T_H = 120 * SECOND  # the user is being asked
T_W = 30 * SECOND  # before the next REQ, doubling
T_W_MAX = 600 * SECOND
T_W_JITTER = 20  # percent either way, so that devices do not ask in step
T_2 = 5 * SECOND
T_3 = 3 * SECOND

# Communication (protocol.md 4 and 6)
MAX_BODY = 975  # fills a frame of 1,024 bytes
MAX_INNER_BODY = 911  # of a message that goes through a relay: its frame is the inner one of a RELAY
MAX_QUEUE = 8  # messages; a microcontroller's memory
MAX_RETRIES = 5  # the paper's Ω
RTO_FIRST = 2 * SECOND
RTO_MIN, RTO_MAX = SECOND // 2, 8 * SECOND
MAX_EPOCH_MESSAGES = 64  # no DATA of ours beyond; R asks for a new epoch at 32

# Groups (protocol.md 9)
MAX_SKIP = 64  # steps forward for one frame: 20 ms on an ESP32, also for whoever sends rubbish
MAX_GROUPS = 4  # of one hub: a key, a floor and some 200 bytes each

# Resume (protocol.md 4 and 7)
MAX_R0 = 3  # per connection: each costs an X25519
MAX_EPOCH = 2**32 - 1


def t_1(packets, interval):
    """T_1: how long ``packets`` random packets take at most."""
    return packets * (interval + 5) * 11 // 10 + SECOND

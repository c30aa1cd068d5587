"""Bounds of a relay, each with its reason; times in milliseconds."""

from ..limits import SECOND

# Paths
MAX_PATHS = 16  # at a time, each with at most eight waiting frames; also the end of a ROUTE that went in a circle
PATH_TIME = 10 * SECOND  # for the far side to confirm: it may have to be heard, connected and resumed first
ADOPTION_TIME = 60 * SECOND  # instead, when a key has to be made first: a broadcast with every second packet lost takes 5 s
RATE, BURST = 20, 20  # frames per second of a path and direction: twice what stop and wait over two hops can use
BATCH_PACKETS = 40  # random packets in one inner frame: more do not fit
BATCH_TIME = SECOND  # a full one takes longer than this only when every second packet is lost

# Hops
MAX_LINKS = 3  # connections as central at a time, as many as an ESP32 or a proxy has to give
MAX_WARDS = 16  # keys on disk: a house has fewer devices out of reach
MAX_KEYS = 6  # of one ward: e*, e' and what re-pairing adds (protocol.md 5 rule 7)
LINGER = SECOND  # an idle link is kept for what may come next, no longer: the ward's beacon is off the air meanwhile
REST = SECOND  # after a connection that failed
NEWS_REST = 10 * SECOND  # between two visits to a ward that is a relay, for what it has heard
RETRIES = 2  # Ω of a hop: a ward that has lost its chain says nothing, and R0 helps sooner than patience
RESUME_TIME = 5 * SECOND  # R0 or R2 unanswered
MAX_FAILURES = 3  # resumes in a row, after which a hub had better invite the ward to us again
EPOCH_MESSAGES = 32  # W
EPOCH_MESSAGES_MAX = 48  # R0 at once, whatever is outstanding
EPOCH_TIME = 24 * 3600 * SECOND

# Negotiation as responder: what REQ may ask is in the specification, what ACC says is ours
MIN_INTERVAL, MAX_INTERVAL = 20, 1000  # ms between two random packets
MAX_SUITES = 8
PACKETS, TARGET_BITS = 64, 20  # N_r: an ingredient, X25519 carries the hop
LOSS_PACKETS, LOSS_TARGET_BITS = 200, 64  # in suite ``loss`` nothing else does
ASSUMED_LOSS = 20  # percent
BITS_PER_PACKET = 0.32193  # -log2(1 - ASSUMED_LOSS)
REQUEST_TIME = 15 * SECOND  # from the subscription to REQ
SILENCE_TIME = 8 * SECOND  # without any random packet: ACC may be lost, say it again
SILENCE_MAX = 40 * SECOND  # the device does not broadcast

# Neighbours
MAX_NEIGHBOURS = 36  # entries of 7 bytes fill one value of INFO
LIFETIME = 60 * SECOND  # without a beacon, which comes five times a second
RSSI_STEP = 10  # dB: a change that a hub may want to act on
TELL_TIME = 5 * SECOND  # between two lists
MAX_HOPS = 2  # relays between a listed device and this one: a ttl of 4 reaches over three relays in all

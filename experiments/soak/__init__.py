"""Hub and device without a radio, in virtual time, storage in memory, and every fault at once, watched all the time.

`World` is the engine, its inputs are the actions of `Driver` (random, by seed) or of a Hypothesis state machine.
"""

"""Faults and rules that a soak of a million steps must have seen: a zero there is a hole in the test."""
FAULTS = ()

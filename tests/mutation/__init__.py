"""Mutation testing of the rooms where one wrong sign is a hole: sets, framing, keys, session, resume (scripts/mutation)."""

"""A soak with relays: a hub, two relays and a device behind them, all with every fault, and relays that misbehave (protocol.md 10)."""

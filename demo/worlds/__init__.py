"""Worlds of ``scripts/demo --auto`` beside the usual one: many devices and two hubs, a device behind a relay."""

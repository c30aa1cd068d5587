"""Everything that a user does with a device, done in a real browser on a real Home Assistant, and checked at the device."""

"""The whole system on one machine: Home Assistant, the virtual radio and three devices."""

"""Home Assistant killed (SIGKILL) at random moments of traffic, again and again; the radio and the devices stay up."""

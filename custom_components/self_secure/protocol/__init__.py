"""Self-secure communication, responder side: sans-I/O, standard library and cryptography only."""

"""A thief who has a copy of a key and listens on: how long he stays in."""

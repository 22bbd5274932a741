"""Somebody gives a credential of theirs: a connection like any other stands on it.

- ``asked_for``: what a person is asked for. ``give``: proved, sealed under a key of its own, kept.
- ``rotate``: another in its place, once that is proved. ``verify``: asked about, at any time.
- ``proving``: asking the provider on somebody's behalf, and what its answer means to them.
- ``terms``: under what terms a credential, or a token that was given for it, is held.
"""

"""The public keys of clients: those they sign with, and those we encrypt to.

- ``published``: a client's keys, registered by value or read from its ``jwks_uri``.
- ``recipient``: answers made for one client, signed, and encrypted if it registered for that.
"""

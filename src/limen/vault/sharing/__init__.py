"""Which clients may use a connection: what its owner agreed to, within what an administrator set.

- ``policy``: what a client may do with connections: ``raw``, ``proxy``, ``none``.
- ``consents``: which client may use which connection and for what; given, listed, withdrawn.
- ``check``: whether a release is covered by both (PURE).
"""

"""Who is given a token, or the use of one: the owner, and clients the owner agreed to.

- ``policy``: what an administrator lets a client do with connections: ``raw``, ``proxy``, ``none``.
- ``consents``: which client may use which connection and for what; given, listed, withdrawn.
- ``check``: whether this release is covered by both (PURE).
- ``exchange``: the target of token exchange (RFC 8693) that gives a third party's token.
"""

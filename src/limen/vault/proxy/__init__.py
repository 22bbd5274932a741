"""The egress proxy: a client uses a connection without ever holding its token.

- ``way``: which hosts, paths and headers go out and come back (PURE). ``reach``: what a part
  of a consent reaches (PURE). ``redact``: the token struck out of answers (PURE).
- ``prepare``: policy, consent, pinned host, the provider's own pauses; then the token.
- ``limen.vault.endpoints.proxying`` sends and streams.
"""

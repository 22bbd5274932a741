"""Sender constraint: a token that is good only together with a key its sender holds.

- ``confirmation``: what a token is bound to, and ``cnf`` which says so (RFC 7800, 8705, 9449).
- ``proof``: DPoP proofs, read and verified (RFC 9449). ``target``: the URI that one names.
- ``nonce``: nonces for them that no server has to remember.
- ``refusal``: the two errors of RFC 9449.
"""

"""Tokens for tokens (RFC 8693): whose, for whom, and who may exchange them.

- ``policy``: what an administrator lets a client exchange; without one it may nothing.
- ``set_policy``: setting and dropping it. ``store``: its SQL.
- ``subject``: what a presented token says. ``readers``: one reader for each token type.
- ``actors``: who acts for whom, and whether they may.
- ``access``: the access token that comes out. ``id_jag``: the identity assertion that may.
- ``targets``: what others hand in to be exchanged for.
"""

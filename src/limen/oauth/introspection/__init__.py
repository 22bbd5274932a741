"""Telling an API, or a token's own client, what a token stands for (RFC 7662, RFC 9701).

- ``may_see``: who may ask about which token. ``api_clients``: which client is an API's own.
- ``store``: its SQL. ``bind_resources``: an administrator says it.
- ``describe``: what is said. ``sign_answer``: the same as a JWT, for who wants proof.
"""

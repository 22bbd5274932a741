"""Which client is calling: what it presents, against what it registered.

- ``authenticate``: the one flow for all methods; every endpoint that asks a client who it is
  comes through here. ``presented``: what a request shows.
- ``by_secret``, ``by_assertion``, ``by_certificate``: one module per kind of proof.
"""

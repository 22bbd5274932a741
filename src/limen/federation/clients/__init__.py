"""How providers know us: the secrets and keys of our clients there.

- ``credentials``: what proves who we are, and how it is presented (PURE).
- ``switch``: whether a provider may be used, as part of another statement.
- ``make_key``: a key pair of our own, with the certificate a provider asks for.
"""

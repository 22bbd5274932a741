"""Clients that register themselves: RFC 7591 and 7592, and client ID metadata documents.

- ``register``: a registration, from who may to the answer. ``manage``: read, replace, delete.
- ``offered``: what of a registration such clients may have, by the tenant's policy (pure).
- ``initial_tokens``: leave to register, handed out by operators. ``access``: the registration
  access token. ``statement``: software statements and whose are believed.
- ``described``: a client as the protocol shows it.
- ``documents``: clients whose id is the address of their metadata.
- ``expire_unused``: those that nobody vouched for and nobody uses are deleted.
"""

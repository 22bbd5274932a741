"""Service accounts: machine clients with several credentials, an expiry and a last use.

A service account is a client; what is more about it is a row beside. It may have secrets and
public keys side by side, and API keys; one request still shows one of them.

- ``model``: what there is beside the client. ``create``, ``change``: its life; disabling and
  deleting are the client's (``registry.disable_client``).
- ``credentials``: secrets and public keys, added and removed one by one.
- ``find``: reading them. ``last_used``: writing down when. ``store``: the SQL.
"""

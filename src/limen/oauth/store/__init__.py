"""The authorization server's SQL, one module per table, named by intent.

- ``clients``: clients with their secrets. ``resources``: APIs. ``codes``: authorization codes.
- ``logos``: our copies of clients' logos.
- ``registrations``: how clients came that no operator registered. ``initial_tokens``: leave to.
- ``interactions``: requests that wait for a person. ``consents``: what users agreed to.
- ``cache``: what is read often and changes seldom.
"""

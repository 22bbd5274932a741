"""API keys (``lmk_…``): what a person or a service account shows instead of a token.

One row is one key: rotating it replaces what is shown and leaves its id, so that revoking it
ends both. A key ends with its owner: disabled, expired, or signed out everywhere.

- ``model``: the key as others see it. ``create``, ``rotate``, ``limit``, ``revoke``: its life.
- ``find``: whose are there; and the one statement that asks whether a shown key is good.
- ``store``: its SQL.
"""

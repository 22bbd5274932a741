"""Registering clients and resources, and changing what is registered.

Command line, admin API and dynamic registration all end in these verbs; whoever calls them has
checked the permission.

- ``register_client``, ``update_client``, ``disable_client`` (and delete), ``rotate_client_secret``.
- ``client_secrets``: hashed or sealed. ``check_addresses``: of what we would fetch, beforehand.
- ``logo``: a client's, fetched once and shown from here.
- ``example_resources``: APIs whose scopes are known beforehand.
- ``create_resource``, ``disable_resource``. ``listing``: pages of both, behind sealed cursors.
"""

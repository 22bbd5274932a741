"""The vault's JSON API, ``/api/v1/oauth``; ``limen.vault.routes`` puts it together.

- ``owner``: whose connections a caller speaks of, and through which client.
- ``connecting``, ``reading``, ``tokens``, ``features``, ``sharing``, ``ending``: the routes.
- ``connect_sessions``: made and followed by apps; ``confirming``: the page they end at.
- ``asking``: requests of apps to share a connection; ``sharing_page``: where a person answers.
- ``using``: what is used of a provider's quota.
- ``pushing``: signed events of providers. ``proxying``: the egress proxy.
- ``schemas``, ``more_schemas``, ``ending_schemas``: the JSON shapes.
"""

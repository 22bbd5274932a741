"""Commands about third-party providers.

- ``providers``: ``limen provider``. ``provider_secrets``: ``limen provider secret``.
"""

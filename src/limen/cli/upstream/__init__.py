"""Commands about third-party providers.

- ``providers``: ``limen provider``. ``provider_secrets``: ``limen provider secret``.
  ``push_secrets``: ``limen provider push-secret``.
- ``connections``: ``limen connection``. ``held``: what is kept. ``moving``: import and export.
  ``older/``: an older application's tables.
"""

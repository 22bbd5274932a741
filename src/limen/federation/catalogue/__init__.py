"""How each provider behaves, as data: one TOML file each, with the evidence for it.

- ``entry``: the schema. ``identity_rule``: which members name an account. ``load``: the files.
- ``operation_entry``: addresses and operations in it. ``credential_rule``: credentials of people's
  own, and how each is proved and injected. ``key_entry``: a provider that takes those alone.
- ``values``: what a tenant says to complete it (PURE).
- ``addresses``: URLs completed by a tenant's values, and what may never come of them (PURE).
- ``behaviour``: an entry as the provider that federation and the vault speak to.
- ``credential_ways``: rules for credentials, carried out. ``key_provider``: the provider of a
  ``key_entry``. ``takes_credentials``: what declares such rules in Python.
- ``override``: what a tenant may say differently of a shipped entry.
- ``entries/``: the files, by kind of provider.

Facts for the vault and the pages have their words in ``limen.federation.facts``.
"""

"""How each provider behaves, as data: one TOML file each, with the evidence for it.

- ``entry``: the schema. ``identity_rule``: which members name an account. ``load``: the files.
- ``addresses``: URLs completed by a tenant's values, and what may never come of them (PURE).
- ``behaviour``: an entry as the provider that federation and the vault speak to.
- ``override``: what a tenant may say differently of a shipped entry.
- ``entries/``: the files, by kind of provider.

Facts for the vault and the pages have their words in ``limen.federation.facts``.
"""

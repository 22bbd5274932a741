"""Credentials of people's own: API keys, passwords, client secrets, keys of service accounts.

- ``material``: what each is made of; read from who gives it, kept and taken up again (PURE).
- ``held_at``: the provider as a credential meets it.
- ``prove``: ask the provider whether it takes one; for some of them that gives a token.

``limen.vault.giving`` keeps them, ``limen.vault.refresh`` renews what they give.
"""

"""Other people's tokens, kept: connected, refreshed before they expire, released, revoked.

An **upstream grant** is what one external account gave one of our clients at a provider: the
tokens live there, sealed. A **connection** is one user's use of a grant. A **feature** is a
named set of scopes an app switches on over a connection.

- How each provider behaves: ``limen.federation.catalogue``; how our clients there fare:
  ``limen.federation.health``.
- ``connect``: leave and come back, the same user in the same session. ``connect_link``: begun
  without a browser, continued in one.
- ``token_for``: the one way to a token. ``refresh/``: one redemption at a time, whatever crashes.
  ``resources/``: tokens for a provider's other APIs, by the same refresh token.
- ``credentials/``: API keys, passwords, client secrets, service accounts; asked about at their
  provider. ``giving/``: given, replaced, kept as connections like any other.
- ``features/``: what apps switch on over a connection. ``annotate``: an owner's name, tags.
- ``sharing/``: which clients may use a connection, for what. ``asking/``: a client asks.
  ``release/``: token exchange, and reports of tokens that were refused.
  ``proxy/``: a connection used without its token.
  ``quota/``: what calls cost where a provider counts them.
- ``disconnect``, ``revoke_upstream``: tombstone, revoke at the provider (``revoking``), wipe,
  receipt.
  ``erasing/``: preview, export, erase, and the record that survives.
- ``moving/``: brought from another application with proof, written out for one.
- ``keep_tokens``: the one live grant of an account. ``sealing``: where its secrets are sealed
  to. ``model``: what its rows are called.
- ``listing``, ``routes``, ``endpoints/``, ``pages``, ``events``, ``tables``, ``store/``.
"""

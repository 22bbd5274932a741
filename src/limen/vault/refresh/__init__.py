"""Refresh: one redemption of a refresh token at a time, whatever crashes.

- ``expiry``: lifetimes, pure. ``terms``: what an answer means for a grant.
- ``claim``: lease with a fence, leftovers, intent. ``redeem``: call, journal, swap.
- ``apply``: an answer's consequences, as small as it proves. ``outcome``: what became of it.
- ``for_resource``: as ``apply``, for other resources' tokens; ``fetch_for_resource``: get one.
- ``renew_credential``: what a credential of somebody's own gives, asked for again.
- ``recover``: what crashes left. ``loop``: refresh before anybody waits for it, in ``turn``s;
  ``lease``: whose turn it is.
- ``together``: what a turn's refreshes brought, kept and applied in two transactions for all.
"""

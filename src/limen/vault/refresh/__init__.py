"""Refresh: one redemption of a refresh token at a time, whatever crashes.

- ``expiry``: lifetimes, pure. ``terms``: what an answer means for a grant.
- ``claim``: lease with a fence, leftovers, intent. ``redeem``: call, journal, swap.
- ``apply``: an answer's consequences, as small as it proves. ``outcome``: what became of it.
- ``recover``: what crashes left. ``loop``: refresh before anybody waits for it.
"""

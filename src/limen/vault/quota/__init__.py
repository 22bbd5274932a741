"""What providers count: units of a quota, by connection, client and the provider's own day.

- ``day``: which day it is at a provider, and when it ends (PURE).
- ``count``: calls of the proxy, refused beyond the quota where an operator wants that; and what
  apps say their own calls cost. ``show``: what was used, and what is left.
"""

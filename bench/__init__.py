"""Benchmarks: CPU of the server's processes per request, as ratios to what ran beside it.

- ``load``: sends requests over kept-alive connections. ``cpu``: what a process used.
- ``peers``: what the ratios are to: an empty Starlette POST (``empty``), npm ``oidc-provider``, the
  least that a token endpoint does (``minimal``), a hash.
- ``paths``: the requests measured. ``report``: prints the table.
- ``vault``: with many connections, what claiming, refreshing and listing cost.
- ``vault_rows``: makes them. ``simulated``: the providers, in a process of their own.
"""

from __future__ import annotations

from typing import Final

PEER_SECRET: Final = "bench-secret-of-some-length-bench-secret"
"""Of the client that the peers know."""

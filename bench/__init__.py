"""Benchmarks: CPU of the server's processes per request, as ratios to what ran beside it.

- ``load``: sends requests over kept-alive connections. ``cpu``: what a process used.
- ``peers``: what the ratios are to: an empty Starlette POST, npm ``oidc-provider``, a hash.
- ``paths``: the requests measured. ``report``: prints the table.
- ``vault``: with many connections, what claiming, refreshing and listing cost.
- ``vault_rows``: makes them. ``simulated``: the providers, in a process of their own.
"""

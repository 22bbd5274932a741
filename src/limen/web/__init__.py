"""HTTP edges shared by all: nothing here knows a capability.

- ``edge``: the one ASGI wrapper around everything: tenant, limits, CORS, headers.
- ``exchange``: one Work per request, committed before the response leaves; ``route`` for
  Starlette, ``WorkRoute`` for FastAPI. ``deps``: who asks.
- ``errors``: the one table from a Refusal to a status, and its three faces.
- ``cookies`` ``csrf`` ``headers`` ``cors`` ``forms`` ``redirects`` ``body_limits``: what
  browsers may do to us, and may not.
- ``peer``: who calls, from where, with which certificate. ``rate_limit``: how often.
- ``pages`` with ``templates`` and ``static``: server-rendered HTML without a build step.
- ``health``: liveness and readiness.
"""

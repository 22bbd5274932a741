"""Sessions: one sign-in each, on a browser (cookie) or as a first-party pair of tokens.

- ``start``, ``resume`` (``keep_alive`` for refresh tokens), ``elevate``, ``revoke``: use cases.
- ``end_everything``: a person's sessions and tokens, all of them.
- ``current``: authenticators for cookie and access token. ``listing``: what a person sees.
- ``session``: the dataclass. ``events``: started, elevated, ended. ``sweep``: the old ones go.
- ``tables``, ``store``: rows keep a hash of the cookie's value.
"""

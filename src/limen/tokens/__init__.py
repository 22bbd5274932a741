"""The only place that mints, verifies, rotates and revokes our own tokens.

A *grant* is what a person let a client have; its row is also the refresh token's family, so a
code exchange is one INSERT and a refresh one UPDATE. A client's own token has no row at all.

- ``principals``: who may hold or receive tokens; whoever creates or disables a user or a client
  says so here. ``grant``: the grant as others see it. ``lifetimes``: how long things live.
- ``start_grant``, ``redeem_refresh``, ``end_grant``, ``find_grant``: a grant's life.
- ``refresh_token``: the form of refresh tokens.
- ``issue_access_token``, ``issue_id_token``: JWTs, and opaque tokens where a resource wants them.
- ``look_up``: is it active? One statement. ``verify_access_token``: the signature alone, none.
- ``assertions``: what we assert to other authorization servers.
- ``api_keys``: keys that people and service accounts make for themselves.
- ``revoke_token``: RFC 7009. ``sweep``: what is of no use any more.
- ``resource``: what an API needs to accept our tokens.
"""

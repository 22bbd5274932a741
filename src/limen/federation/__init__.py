"""We are the client of somebody else's provider: to sign people in, and to connect accounts.

- ``provider``: the one typed interface every provider serves, and the words of its answers.
- ``facts``: how a provider treats what it gave. ``catalogue``: each as data, with evidence.
- ``openid``: any OpenID provider by discovery. ``providers/<name>``: what one does differently.
- ``registry``: which providers there are. ``describe_provider``: a tenant's own.
- ``upstream_clients``, ``clients``: how they know us. ``health``: how our clients fare there.
- ``begin``: leave for the provider, with ``state``, PKCE and nonce bound to who asks.
- ``finish``: come back: take the state, check ``iss``, exchange, verify, identify.
- ``call``: one operation over ``net``. ``id_token``, ``provider_keys``: what they sign.
- ``profile/``: what providers said of people, with history, asked again while they are away.
- ``identities``: which local account an external one is, by (issuer, subject) and nothing else.

``begin`` and ``finish`` serve both purposes, sign-in (``signin.with_provider``) and connect
(``vault.connect``); a flow begun for one can't end as the other.
"""

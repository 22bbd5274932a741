"""Access tokens for a provider's other resources, got with the one refresh token of a grant.

- ``store``: the tokens, each for one (grant, resource), and the swap of the refresh token alone.
- ``known``: which resource is meant, and a grant as it is seen for it.
- ``agreed``: what a person agreed to for each when they connected.

They are got when somebody asks, by ``limen.vault.refresh``, and renewed by nobody else.
"""

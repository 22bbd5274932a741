"""A provider that behaves like Google.

OpenID discovery and RS256 ID tokens; a refresh token only for ``access_type=offline`` and only
when the consent screen was shown; scopes that can be unticked and come back under their long
names; refreshing keeps the refresh token; revoking one token ends the whole project's grant.
"""

from limen.simulators.google.app import google

__all__ = ["google"]

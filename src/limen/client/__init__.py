"""Third parties' tokens for a program: the same calls over HTTP and in a mounted Limen.

``async with Limen(url, ClientSecret(id, secret)) as limen:``
``token = await limen.connections.token(OnBehalfOf(subject_token), "google", feature="…")``

- ``limen``: the server. ``connections``: what can be done. ``answers``, ``refusals``: what comes.
- ``users``: whose connection. ``credentials``: what the program shows. ``bearers``: our own tokens.
- ``fetch``: the two ways to a token. ``remembered``: what stays in memory, and how long.
- ``asking``: a person is asked to share a connection.
- ``transport``: what both have in common: ``over_http``, ``in_process``. ``origin``: where to.
- ``at_api``: where a token may go, and what comes after a 401; ``httpx2_auth``, ``aiohttp_auth``
  put it into calls.

Imports nothing of the server but its words (``kernel``), and aiohttp at the first call.
"""

from limen.client.answers import (
    Connection,
    ConnectionToken,
    Feature,
    Proxied,
    Reported,
    SharingRequest,
    Way,
)
from limen.client.connections import Connections, Outgoing
from limen.client.credentials import AccessToken, ApiKey, ClientSecret
from limen.client.limen import Limen
from limen.client.refusals import (
    FeatureMissing,
    NotShared,
    ProviderDown,
    ReauthRequired,
    Refused,
    Several,
    Unauthorized,
    Unreachable,
)
from limen.client.users import (
    ANYONE,
    ME,
    TENANT,
    OnBehalfOf,
    WithAccessToken,
    WithRefreshToken,
)
from limen.kernel.secret import Secret

__all__ = [
    "ANYONE",
    "ME",
    "TENANT",
    "AccessToken",
    "ApiKey",
    "ClientSecret",
    "Connection",
    "ConnectionToken",
    "Connections",
    "Feature",
    "FeatureMissing",
    "Limen",
    "NotShared",
    "OnBehalfOf",
    "Outgoing",
    "ProviderDown",
    "Proxied",
    "ReauthRequired",
    "Refused",
    "Reported",
    "Secret",
    "Several",
    "SharingRequest",
    "Unauthorized",
    "Unreachable",
    "Way",
    "WithAccessToken",
    "WithRefreshToken",
]

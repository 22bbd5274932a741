"""The yardstick M: the least that a token endpoint of our libraries does, and nothing of Limen.

One client, known beforehand; a secret compared as a digest, an ES256 JWT by joserfc, a counter for
the rate, a structured log line. It looks up nothing, checks nothing else and refuses nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections import Counter
from typing import Final
from urllib.parse import parse_qsl

import structlog
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench import PEER_SECRET

_DIGEST: Final = hashlib.sha256(PEER_SECRET.encode()).digest()
_KEY: Final = ECKey.generate_key("P-256", {"kid": "minimal"})
_HEADER: Final = {"alg": "ES256", "typ": "at+jwt", "kid": "minimal"}
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_asked: Final[Counter[str]] = Counter()

structlog.configure(
    processors=[
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.WriteLoggerFactory(),
    cache_logger_on_first_use=True,
)
_log = structlog.get_logger()


async def _answer(request: Request) -> Response:
    asked = dict(parse_qsl((await request.body()).decode("ascii")))
    digest = hashlib.sha256(asked["client_secret"].encode()).digest()
    if not hmac.compare_digest(digest, _DIGEST):
        return JSONResponse({"error": "invalid_client"}, 401)
    _asked[asked["client_id"]] += 1
    now = int(time.time())
    claims = {
        "iss": "https://id.example",
        "sub": asked["client_id"],
        "client_id": asked["client_id"],
        "aud": asked["resource"],
        "scope": asked["scope"],
        "iat": now,
        "exp": now + 3600,
        "jti": str(uuid.uuid4()),
    }
    token = jwt.encode(_HEADER, claims, _KEY)
    _log.info("request", method="POST", path="/token", status=200, client_id=asked["client_id"])
    told = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": asked["scope"],
    }
    return JSONResponse(told, headers=_NO_STORE)


app = Starlette(routes=[Route("/token", _answer, methods=["POST"])])

"""Leave for a provider: with state, PKCE and nonce, all bound to who asks."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from limen.crypto.envelope import Place
from limen.db.work import Work
from limen.federation import store
from limen.federation.parts import Parts
from limen.federation.provider import Ask, Provider
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel.errors import NotPermitted
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, random_secret, token_hash
from limen.protocol.pkce import METHOD, new_verifier, s256

STATE_KIND: Final = "lmu"
MAX_AWAY: Final = dt.timedelta(minutes=10)
"""How long a person may take at the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One journey to a provider.

    Args:
        redirect_uri: Our callback for this provider and purpose, absolute.
        user_id: Who connects; empty when signing in.
        session_id: The session they connect in; the callback must come in the same one.
        raw_browser: A secret in this browser's cookie, for journeys that have no session.
        detail: What the callback needs to know again; no secret.
    """

    provider: Provider
    client: UpstreamClient
    ask: Ask
    redirect_uri: str
    user_id: str = ""
    session_id: str = ""
    raw_browser: Secret[str] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


async def begin(work: Work, parts: Parts, *, flow: Flow) -> str:
    """Remember the journey and return the URL to send the browser to.

    Asks for the provider's endpoints first, where they are discovered: nothing may have been
    written in this Work before.

    Raises:
        NotPermitted: ``provider_takes_credentials``: we have no client there.
    """
    if not flow.client.is_registered:
        raise takes_credentials()
    await work.let_go()
    endpoints = await flow.provider.endpoints(parts.net, now=work.now)
    raw_state = mint(STATE_KIND, work.tenant_id)
    raw_nonce, raw_verifier = random_secret(), new_verifier()
    state_hash = token_hash(raw_state)
    await store.send_away(
        work,
        state_hash=state_hash,
        purpose=flow.ask.purpose,
        provider=flow.client.provider,
        upstream_client_id=flow.client.at_provider.client_id,
        user_id=flow.user_id,
        session_id=flow.session_id,
        browser_hash=browser_hash(flow.raw_browser),
        sealed_verifier=await parts.envelope.seal(
            work, verifier_place(state_hash), raw_verifier.reveal().encode()
        ),
        nonce_hash=hashlib.sha256(raw_nonce.reveal().encode()).digest(),
        redirect_uri=flow.redirect_uri,
        detail={**flow.detail, "scopes": list(flow.ask.scopes)},
        expires_at=work.now + MAX_AWAY,
    )
    params = {
        **endpoints.authorize.params,
        **flow.provider.authorize_params(flow.ask),
        "response_type": "code",
        "client_id": flow.client.at_provider.client_id,
        "redirect_uri": flow.redirect_uri,
        "state": raw_state.reveal(),
    }
    if endpoints.jwks_uri:
        params["nonce"] = raw_nonce.reveal()
    if flow.provider.uses_pkce:
        params |= {"code_challenge": s256(raw_verifier), "code_challenge_method": METHOD}
    joint = "&" if "?" in endpoints.authorize.url else "?"
    return f"{endpoints.authorize.url}{joint}{urlencode(params)}"


def takes_credentials() -> NotPermitted:
    """Refuse to send anybody where we have no client."""
    return NotPermitted(
        "provider_takes_credentials", "This provider takes credentials, and asks nobody's consent."
    )


def browser_hash(raw_browser: Secret[str] | None) -> bytes:
    """Return what is stored of a browser's secret; empty where a session binds the journey."""
    return b"" if raw_browser is None else token_hash(raw_browser)


def verifier_place(state_hash: bytes) -> Place:
    """Return where a verifier is sealed to."""
    return Place("upstream_authorization", state_hash.hex(), "verifier")

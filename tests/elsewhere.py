"""An older application at the simulated providers: what it holds when its people move."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from limen.federation.call import call_as_client
from limen.federation.provider import Ask, Exchange
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.secret import Secret
from limen.protocol.pkce import METHOD, new_verifier, s256
from limen.vault.features.union import scopes_to_ask
from tests.vaults import Vault

CALLBACK = "https://older.example/callback"


async def obtain(vault: Vault, provider: str, *, account: str = "") -> dict[str, Any]:
    """Connect an account in the older application; return what it keeps as a line has it."""
    parts = vault.parts
    client = await vault.run(
        lambda work: get_upstream_client(work, parts.envelope, provider=provider)
    )
    found = parts.catalogue.get(provider, client.config)
    endpoints = await found.endpoints(parts.net, now=vault.house.clock.now())
    feature = next(iter(found.facts.features))
    scopes = scopes_to_ask(found, [found.facts.features[feature]], pinned=None)
    raw_verifier = new_verifier()
    params = {
        **endpoints.authorize.params,
        **found.authorize_params(Ask(purpose="connect", scopes=scopes, needs_refresh_token=True)),
        "response_type": "code",
        "client_id": client.at_provider.client_id,
        "redirect_uri": CALLBACK,
        "state": "older",
        "nonce": "older",
    }
    if found.uses_pkce:
        params |= {"code_challenge": s256(raw_verifier), "code_challenge_method": METHOD}
    url = f"{endpoints.authorize.url}?{urlencode(params)}"
    returned = await vault.simulated.approve(url, account=account)
    code = Secret(parse_qs(urlsplit(returned).query)["code"][0])
    exchange = Exchange(raw_code=code, raw_verifier=raw_verifier, redirect_uri=CALLBACK)
    told = await call_as_client(
        parts.net,
        found,
        endpoints.exchange,
        params=found.exchange_params(exchange),
        client=client.at_provider,
    )
    answer = found.read_tokens(told)
    now = vault.house.clock.now()
    line: dict[str, Any] = {
        "provider": provider,
        "access_token": answer.raw_access.reveal(),
        "scopes": list(answer.scope or scopes),
        "features": [feature],
    }
    if answer.raw_refresh is not None:
        line["refresh_token"] = answer.raw_refresh.reveal()
    if answer.expires_in is not None:
        line["expires_at"] = (now + dt.timedelta(seconds=answer.expires_in)).isoformat()
    return line


def written(line: dict[str, Any], **more: Any) -> bytes:
    """A line as it stands in a file."""
    return json.dumps({**line, **more}).encode()

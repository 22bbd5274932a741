"""An older application at the simulated providers: what it holds when its people move."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from limen.federation.call import ClientAtProvider, call_as_client
from limen.federation.provider import Ask, Exchange, Provider, TokenAnswer
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.pkce import METHOD, new_verifier, s256
from limen.vault.features.union import scopes_to_ask
from tests.vaults import Vault

CALLBACK = "https://older.example/callback"


@dataclass(frozen=True, kw_only=True)
class Older:
    """An older application, registered at a provider as we are."""

    approve: Callable[..., Awaitable[str]]
    net: Net
    provider: Provider
    client: ClientAtProvider
    now: dt.datetime

    async def connect(self, account: str = "") -> dict[str, Any]:
        """Connect an account; return what is kept of it, as a line has it."""
        endpoints = await self.provider.endpoints(self.net, now=self.now)
        feature = next(iter(self.provider.facts.features))
        wanted = [self.provider.facts.features[feature]]
        scopes = scopes_to_ask(self.provider, wanted, pinned=None)
        raw_verifier = new_verifier()
        ask = Ask(purpose="connect", scopes=scopes, needs_refresh_token=True)
        params = {
            **endpoints.authorize.params,
            **self.provider.authorize_params(ask),
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "state": "older",
            "nonce": "older",
        }
        if self.provider.uses_pkce:
            params |= {"code_challenge": s256(raw_verifier), "code_challenge_method": METHOD}
        url = f"{endpoints.authorize.url}?{urlencode(params)}"
        returned = await self.approve(url, account=account)
        code = Secret(parse_qs(urlsplit(returned).query)["code"][0])
        exchange = Exchange(raw_code=code, raw_verifier=raw_verifier, redirect_uri=CALLBACK)
        told = await call_as_client(
            self.net,
            self.provider,
            endpoints.exchange,
            params=self.provider.exchange_params(exchange),
            client=self.client,
        )
        return self._line(self.provider.read_tokens(told), scopes=scopes, feature=feature)

    def _line(self, answer: TokenAnswer, *, scopes: Iterable[str], feature: str) -> dict[str, Any]:
        line: dict[str, Any] = {
            "provider": self.provider.id,
            "access_token": answer.raw_access.reveal(),
            "scopes": list(answer.scope or scopes),
            "features": [feature],
        }
        if answer.raw_refresh is not None:
            line["refresh_token"] = answer.raw_refresh.reveal()
        if answer.expires_in is not None:
            ends = self.now + dt.timedelta(seconds=answer.expires_in)
            line["expires_at"] = ends.isoformat()
        return line


async def obtain(vault: Vault, provider: str, *, account: str = "") -> dict[str, Any]:
    """Have an older application connect an account; return what it keeps."""
    parts = vault.parts
    client = await vault.run(
        lambda work: get_upstream_client(work, parts.envelope, provider=provider)
    )
    older = Older(
        approve=vault.simulated.approve,
        net=parts.net,
        provider=parts.catalogue.get(provider, client.config),
        client=client.at_provider,
        now=vault.house.clock.now(),
    )
    return await older.connect(account)


def written(line: dict[str, Any], **more: Any) -> bytes:
    """A line as it stands in a file."""
    return json.dumps({**line, **more}).encode()

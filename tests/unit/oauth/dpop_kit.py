"""A client that sends DPoP proofs along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx2

from limen.kernel.site import Site
from limen.tenants.policies.dpop import DpopPolicy
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from tests.dpop import DpopKey
from tests.unit.oauth.http_kit import CALLBACK, VERIFIER, Known, Server, under


@dataclass
class Prover:
    """Who calls the endpoints of a server with a key."""

    server: Server
    client: Known
    key: DpopKey = field(default_factory=DpopKey)

    @property
    def now(self) -> Any:
        """The moment of the server's clock."""
        return self.server.works.clock.now()

    def proof(self, path: str = "/oauth2/token", method: str = "POST", **changes: Any) -> str:
        """Make a proof for an address of the server."""
        url = f"{self.server.site.issuer}{path}"
        return self.key.proof(method, url, now=self.now, **changes)

    async def ask(self, form: dict[str, str], *, proof: str | None = None) -> httpx2.Response:
        """Ask the token endpoint; an empty proof sends none."""
        headers = dict(self.client.basic) if self.client.secret else {}
        sent = {**({} if self.client.secret else {"client_id": self.client.id}), **form}
        line = self.proof() if proof is None else proof
        if line:
            headers["dpop"] = line
        return await self.server.http.post("/oauth2/token", data=sent, headers=headers)

    async def redeem(self, code: str, *, proof: str | None = None) -> httpx2.Response:
        """Redeem a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return await self.ask(form, proof=proof)

    async def refresh(self, raw: str, *, proof: str | None = None) -> httpx2.Response:
        """Use a refresh token."""
        return await self.ask({"grant_type": "refresh_token", "refresh_token": raw}, proof=proof)

    async def machine(self, *, proof: str | None = None, **form: str) -> httpx2.Response:
        """Ask for a token of the client's own."""
        return await self.ask({"grant_type": "client_credentials", **form}, proof=proof)

    async def userinfo(
        self, raw: str, *, proof: str | None = None, scheme: str = "DPoP", **changes: Any
    ) -> httpx2.Response:
        """Ask UserInfo; an empty proof sends none."""
        changes = {"token": raw, **changes}
        line = self.proof("/oauth2/userinfo", "GET", **changes) if proof is None else proof
        headers = {"authorization": f"{scheme} {raw}", **({"dpop": line} if line else {})}
        return await self.server.http.get("/oauth2/userinfo", headers=headers)


def asking_for_nonces(site: Site, nonce: str) -> Tenant:
    """The same tenant with a policy for nonces."""
    return under(site, TenantPolicy(dpop=DpopPolicy.model_validate({"nonce": nonce})))

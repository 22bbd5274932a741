"""An MCP server whose tools take Limen's access tokens.

    limen resource create http://localhost:8002/mcp --scope notes:read
    python examples/mcp_server.py --issuer http://localhost:8000

A client that calls ``http://localhost:8002/mcp`` is told by the metadata of RFC 9728 where to get
a token; the tool answers with whose it is. Clients that register themselves may ask for the scope
once the tenant's policy names it: ``{"registration": {"mode": "open", "scopes": ["notes:read"]}}``.
"""

import argparse
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from typing_extensions import override

from limen.kernel.clock import SystemClock
from limen.kernel.secret import Secret
from limen.net.client import Net
from limen.settings.sections import NetSettings
from limen.tokens.resource import Remote

SCOPE = "notes:read"


class LimenTokens(TokenVerifier):
    """Verifies tokens with the keys that Limen publishes.

    Args:
        source: Where they come from.
        resource: Our address: the audience that a token must have.
    """

    def __init__(self, source: Remote, *, resource: str) -> None:
        self._source = source
        self._resource = resource

    @override
    async def verify_token(self, token: str) -> AccessToken | None:
        """Say what a token stands for; tokens that are bound to a key are not for Bearer."""
        found = await self._source.find(Secret(token), audience=self._resource)
        if found is None or found.bound_to:
            return None
        return AccessToken(
            token=token,
            client_id=found.client_id,
            scopes=list(found.scope),
            expires_at=int(found.expires_at.timestamp()),
            resource=found.audience,
            subject=found.subject,
            claims=dict(found.claims),
        )


def build(*, issuer: str, port: int = 8002) -> MCPServer[None]:
    """Return the MCP server."""
    resource = f"http://localhost:{port}/mcp"
    # The outbound client calls nothing inside unless told: here Limen is on this machine.
    net = Net(NetSettings.model_validate({"allow": issuer}))

    @contextlib.asynccontextmanager
    async def closing_net(_server: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await net.close()

    server: MCPServer[None] = MCPServer(
        "Notes",
        lifespan=closing_net,
        token_verifier=LimenTokens(Remote(issuer, net=net, clock=SystemClock()), resource=resource),
        # From text: an issuer has no slash at its end, and is compared letter by letter.
        auth=AuthSettings.model_validate(
            {
                "issuer_url": issuer,
                "resource_server_url": resource,
                "required_scopes": [SCOPE],
                "validate_token_resource": True,
            }
        ),
    )

    @server.tool()
    def whose() -> str:
        """Say for whom the caller acts."""
        token = get_access_token()
        assert token is not None
        return str(token.subject)

    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issuer", default="http://localhost:8000")
    parser.add_argument("--port", type=int, default=8002)
    chosen = parser.parse_args()
    app = build(issuer=chosen.issuer, port=chosen.port).streamable_http_app()
    uvicorn.run(app, port=chosen.port, log_level="warning")

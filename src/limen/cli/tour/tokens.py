"""The second third: a foreign client and a machine obtain tokens."""

from __future__ import annotations

import contextlib
import importlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from limen.cli.inside import find_tenant, opened
from limen.cli.tour.tourist import TourError, Tourist, shortened
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import ConfigurationError, Conflict

if TYPE_CHECKING:
    from limen.db.work import Work

_CALLBACK: Final = "http://localhost:9/tour/callback"
_RESOURCE: Final = "https://reports.example.com"


async def register(tourist: Tourist) -> None:
    """Register a web app and a machine, as ``limen client create`` does."""
    tourist.begin("Register a web app and a machine")
    made = await _register(tourist)
    tourist.held.update(made)
    tourist.got(web_app=made["web"][0], machine=made["machine"][0], resource=_RESOURCE)


async def _register(tourist: Tourist) -> dict[str, tuple[str, str]]:
    from limen.oauth.registry.create_resource import (  # noqa: PLC0415 -- loaded when it runs
        NewResource,
        create_resource,
    )
    from limen.oauth.registry.register_client import (  # noqa: PLC0415 -- as above
        NewClient,
        register_client,
    )

    async def resource(work: Work) -> None:
        await create_resource(work, new=NewResource(identifier=_RESOURCE, scopes=("reports",)))

    async def clients(work: Work) -> dict[str, tuple[str, str]]:
        web = NewClient(
            name="The tour's app",
            type="web",
            redirect_uris=(_CALLBACK,),
            scope=("openid", "profile", "email", "offline_access"),
        )
        machine = NewClient(name="The tour's machine", type="machine", scope=("reports",))
        made = {
            "web": await register_client(work, new=web),
            "machine": await register_client(work, new=machine),
        }
        return {
            name: (each.client.client_id, each.raw_secret.reveal() if each.raw_secret else "")
            for name, each in made.items()
        }

    async with opened(tourist.settings) as runtime:
        tenant = await find_tenant(runtime, "default")
        with contextlib.suppress(Conflict):  # an earlier tour made it
            await runtime.works.run(tenant, resource, actor=OPERATOR)
        return await runtime.works.run(tenant, clients, actor=OPERATOR)


def foreign_client() -> Any:
    """Return the OAuth client the tour uses, which is not ours.

    Raises:
        ConfigurationError: If it is not installed.
    """
    try:
        return importlib.import_module("authlib.integrations.requests_client").OAuth2Session
    except ImportError:
        raise ConfigurationError(
            "The tour uses Authlib as the foreign client: pip install authlib requests"
        ) from None


async def obtain(tourist: Tourist) -> None:
    """Let Authlib do authorization code with PKCE, the person allowing it on the page."""
    tourist.begin("Authorization code with PKCE, through Authlib")
    client_id, client_secret = tourist.held["web"]
    app = foreign_client()(
        client_id,
        client_secret,
        scope="openid profile email offline_access",
        redirect_uri=_CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 -- a method's name
    )
    app.trust_env = False
    verifier = secrets.token_urlsafe(48)
    url, _ = app.create_authorization_url(
        f"{tourist.base}/oauth2/authorize", code_verifier=verifier, nonce=secrets.token_urlsafe(16)
    )
    page = await tourist.browser.authorize(url)
    if page.status:
        raise TourError(f"the app was not answered: {page.url} says {page.status}")
    token = app.fetch_token(
        f"{tourist.base}/oauth2/token", authorization_response=page.url, code_verifier=verifier
    )
    tourist.held["app"] = app
    tourist.got(access_token=shortened(token["access_token"]), scope=token["scope"])
    told = app.get(f"{tourist.base}/oauth2/userinfo").json()
    tourist.got(userinfo=f"{told.get('name')}, {told.get('email')}")


async def refresh(tourist: Tourist) -> None:
    """Let the app refresh."""
    tourist.begin("Refresh")
    app = tourist.held["app"]
    before = app.token["access_token"]
    token = app.refresh_token(f"{tourist.base}/oauth2/token")
    if token["access_token"] == before:
        raise TourError("refreshing gave the same access token")
    tourist.got(access_token=shortened(token["access_token"]))


async def introspect(tourist: Tourist) -> None:
    """Ask whether a token is good, then take it back and ask again."""
    tourist.begin("Introspect and revoke")
    app = tourist.held["app"]
    raw = app.token["access_token"]
    endpoint = f"{tourist.base}/oauth2/introspect"
    told = app.introspect_token(endpoint, token=raw).json()
    tourist.got(active=told["active"], scope=told["scope"], audience=told["aud"])
    app.revoke_token(f"{tourist.base}/oauth2/revoke", token=raw)
    tourist.got(
        after_revoking=f"active: {app.introspect_token(endpoint, token=raw).json()['active']}"
    )


async def as_machine(tourist: Tourist) -> None:
    """Let a machine obtain a token for itself."""
    tourist.begin("A machine's own token")
    client_id, client_secret = tourist.held["machine"]
    machine = foreign_client()(client_id, client_secret, scope="reports")
    machine.trust_env = False
    token = machine.fetch_token(
        f"{tourist.base}/oauth2/token", grant_type="client_credentials", resource=_RESOURCE
    )
    tourist.got(access_token=shortened(token["access_token"]), scope=token["scope"])

"""Which application somebody signs in for: handed to the sign-in page, which knows no OAuth."""

from __future__ import annotations

from urllib.parse import urlsplit

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.oauth.authorization.interaction import check_binding, find_interaction
from limen.oauth.clients import Clients
from limen.oauth.endpoints.interactive import words
from limen.oauth.endpoints.interactive.browser import COOKIE, binding_of
from limen.oauth.endpoints.interactive.ways import handle_in
from limen.oauth.registry.logo import PATH
from limen.protocol.redirect_uri import is_loopback, is_private_use
from limen.signin.parts import Asking, ReadCookie, WhoAsks


def client_that_asks(clients: Clients) -> WhoAsks:
    """Return what names the client whose request waits for this browser, and for no other."""

    async def who_asks(work: Work, path: str, cookie: ReadCookie) -> Asking | None:
        raw_handle = handle_in(work.site, path)
        if raw_handle is None:
            return None
        try:
            found = await find_interaction(work, raw_handle=raw_handle)
            check_binding(found, binding_of(cookie(COOKIE)))
        except NotFound:  # going on will say so
            return None
        client = await clients.find(work, found.client_id)
        if client is None or not client.is_active:
            return None
        uri = found.redirect_uri
        return Asking(
            name=client.name,
            host="" if is_loopback(uri) or is_private_use(uri) else urlsplit(uri).netloc,
            logo=f"{PATH}/{client.logo_id}" if client.logo_id else "",
            warning=words.warning(client, redirect_uri=uri),
            links=words.links(client),
        )

    return who_asks

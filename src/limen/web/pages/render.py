"""Server-rendered pages: Jinja2, autoescaped, with a policy of their own per response."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from limen.kernel.site import Site
from limen.web import csrf
from limen.web.pages import speak
from limen.web.pages.assets import Static
from limen.web.policy.headers import page_csp
from limen.web.state import site_of

TEMPLATES: Final = Path(__file__).parent / "templates"


class Pages:
    """Renders templates of all capabilities.

    Args:
        template_dirs: Each holds a folder named after its capability; ours comes first.
        static: Where stylesheet and scripts come from.
    """

    def __init__(self, template_dirs: Sequence[Path] = (), *, static: Static | None = None) -> None:
        self.static = static or Static()
        self._jinja = jinja2.Environment(
            loader=jinja2.FileSystemLoader([TEMPLATES, *template_dirs]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        speak.install(self._jinja)

    def render(  # noqa: PLR0913 -- each names one thing that a page may need
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        form_action: bool = True,
        scripts: bool = False,
        frames_from: Sequence[str] = (),
        ui_locales: Sequence[str] = (),
        **context: Any,
    ) -> Response:
        """Render a template.

        Args:
            request: Whose tenant's page it is.
            template: ``capability/name.html``.
            status: HTTP status.
            headers: More headers.
            form_action: Off where a submission may end at a client or a provider.
            scripts: Whether the page has a script; it carries ``nonce``.
            frames_from: Origins of pages it frames.
            ui_locales: The languages that an application asked for, best first.
            context: What the template names beside ``site``, ``brand``, ``url``, ``static``,
                ``nonce``, ``csrf_token``, ``language`` and ``_``.
        """
        language = speak.language_for(request, ui_locales=ui_locales)
        speech = {"language": language, "_": speak.texts_in(language)}
        nonce = secrets.token_urlsafe(16)
        text = self._jinja.get_template(template).render(
            **self._globals(request), nonce=nonce, **speech, **context
        )
        policy = page_csp(
            nonce=nonce, form_action=form_action, scripts=scripts, frames_from=frames_from
        )
        sent = {**(headers or {}), "content-security-policy": policy, "cache-control": "no-store"}
        response = HTMLResponse(text, status_code=status, headers=sent)
        csrf.remember(response, request)
        speak.remember_language(response, request, ui_locales=ui_locales)
        return response

    def _globals(self, request: Request) -> dict[str, Any]:
        site = site_of(request)

        def url(path: str, **query: str) -> str:
            asked = {name.rstrip("_"): value for name, value in query.items() if value}
            return f"{site.path}{path}" + (f"?{urlencode(asked)}" if asked else "")

        return {
            "site": site,
            "brand": brand_of(site),
            "url": url,
            "static": lambda name: f"{site.path}/static/{self.static.name(name)}",
            "csrf_token": lambda: csrf.token_for(request),
        }


def brand_of(site: Site) -> str:
    """Return the name people know the tenant by."""
    name = getattr(site, "name", "")
    return str(name) if name else "Limen"

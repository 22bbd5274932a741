"""The pages a person clicks through at a simulated provider: plain forms, no script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse

from limen.simulators.state import Account

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body><main><p><strong>Simulated {provider}</strong>: nothing here leaves this machine.</p>
<h1>{title}</h1>
{body}
</main></body></html>
"""


def choose_account(
    *, provider: str, action: str, asked: str, accounts: Iterable[Account]
) -> HTMLResponse:
    """Ask which of the provider's accounts is meant.

    Args:
        provider: As people call it.
        action: Where the form goes.
        asked: The pending request's handle.
        accounts: To choose from.
    """
    buttons = "\n".join(
        f'<p><button id="account-{escape(one.sub)}" name="account" value="{escape(one.sub)}">'
        f"{escape(one.name)} ({escape(one.email)})</button></p>"
        for one in accounts
    )
    return _form("Choose an account", buttons, provider=provider, action=action, asked=asked)


def ask_consent(
    *, provider: str, action: str, asked: str, client: str, scopes: dict[str, bool]
) -> HTMLResponse:
    """Ask for consent, with a box to tick for each scope.

    Args:
        provider: As people call it.
        action: Where the form goes.
        asked: The pending request's handle.
        client: Who asks.
        scopes: Scope by scope, whether a person may untick it.
    """
    boxes = "\n".join(
        f'<p><label><input type="checkbox" name="scope" value="{escape(scope)}" checked>'
        f" {escape(scope)}</label></p>"
        if optional
        else f"<p>{escape(scope)}</p>"
        for scope, optional in scopes.items()
    )
    buttons = (
        '<p><button id="allow" name="decision" value="allow">Allow</button>\n'
        '<button id="deny" name="decision" value="deny">Cancel</button></p>'
    )
    inner = f"{boxes}\n{buttons}"
    return _form(f"{client} wants access", inner, provider=provider, action=action, asked=asked)


def post_back(*, provider: str, action: str, fields: dict[str, str]) -> HTMLResponse:
    """Give the browser an answer to post to the client; without script a person presses on.

    Args:
        provider: As people call it.
        action: The client's redirect URI.
        fields: The answer.
    """
    hidden = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    body = (
        f'<form id="post-back" method="post" action="{escape(action)}">\n{hidden}\n'
        '<button id="go-on">Continue</button>\n</form>'
    )
    return HTMLResponse(_PAGE.format(title="Continue", provider=escape(provider), body=body))


def refused(*, provider: str, reason: str) -> HTMLResponse:
    """Say on a page why nothing can be asked; never redirects."""
    body = f'<p id="error-code">{escape(reason)}</p>'
    page = _PAGE.format(title="Access blocked", provider=escape(provider), body=body)
    return HTMLResponse(page, 400)


def _form(title: str, inner: str, *, provider: str, action: str, asked: str) -> HTMLResponse:
    body = (
        f'<form method="post" action="{escape(action)}">\n'
        f'<input type="hidden" name="asked" value="{escape(asked)}">\n{inner}\n</form>'
    )
    page = _PAGE.format(title=escape(title), provider=escape(provider), body=body)
    return HTMLResponse(page)

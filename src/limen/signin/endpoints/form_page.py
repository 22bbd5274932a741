"""What the pages of the way in have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from limen.kernel.errors import InvalidInput, MalformedRequest, OAuthRefusal, Refusal
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.web.errors import status_of
from limen.web.exchange import show_again
from limen.web.pages import Pages

_BAD_FORM = 422


@dataclass(frozen=True, slots=True)
class FormPage:
    """A page with a form, shown again with what was wrong.

    Args:
        pages: Renders.
        template: Which.
        form_action: Off where the submission may end at a client or a provider.
        scripts: Whether the page has a script.
    """

    pages: Pages
    template: str
    form_action: bool = True
    scripts: bool = False

    def show(
        self,
        request: Request,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        refusal: Refusal | None = None,
    ) -> Response:
        """Render it; a refusal stands in the summary and beside its field."""
        errors = [] if refusal is None else [{"field": refusal.field, "text": refusal.public}]
        retry_after = getattr(refusal, "retry_after_seconds", None)
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        return self.pages.render(
            request,
            self.template,
            status=status,
            headers=headers,
            form_action=self.form_action,
            scripts=self.scripts,
            errors=errors,
            **context,
        )

    def again(self, request: Request, context: Mapping[str, Any]) -> None:
        """Show it again when the Work is refused for a reason the person can mend."""

        def show(refusal: Refusal) -> Response | None:
            if isinstance(refusal, (MalformedRequest, OAuthRefusal)):
                return None
            status = status_of(refusal)
            # 401 would need a challenge, which browsers answer with a window of their own.
            shown = _BAD_FORM if isinstance(refusal, InvalidInput) or status == 401 else status
            return self.show(request, context, status=shown, refusal=refusal)

        show_again(request, show)


def text_of(params: Params, name: str) -> str:
    """Return a field's text, empty when it was not sent."""
    return params.one(name) or ""


def secret_of(params: Params, name: str) -> Secret[str]:
    """Return a secret field, empty when it was not sent."""
    return Secret(params.one(name) or "")

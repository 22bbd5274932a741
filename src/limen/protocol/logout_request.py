"""The logout request of OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.params import Params
from limen.protocol.redirect_uri import VerifiedRedirect, match_redirect_uri

MAX_STATE_CHARACTERS: Final = 2048
PARAMETERS: Final = (
    "id_token_hint",
    "client_id",
    "post_logout_redirect_uri",
    "state",
    "ui_locales",
    "logout_hint",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A well-formed request to end a session; nothing of it is believed yet.

    Attributes:
        id_token_hint: Not verified; an expired one is still a hint.
    """

    id_token_hint: Secret[str] | None = None
    client_id: str | None = None
    post_logout_redirect_uri: str | None = None
    state: str | None = None
    ui_locales: tuple[str, ...] = ()


def parse_logout_request(params: Params) -> LogoutRequest:
    """Read a logout request; unknown parameters are ignored, repeated ones refused.

    Raises:
        OAuthRefusal: ``invalid_request``, to be shown as a page.
    """
    params.refuse_repeated()
    state = params.one("state")
    if state is not None and len(state) > MAX_STATE_CHARACTERS:
        raise OAuthRefusal("invalid_request", "state is too long.", field="state")
    return LogoutRequest(
        id_token_hint=params.secret("id_token_hint"),
        client_id=params.one("client_id"),
        post_logout_redirect_uri=params.one("post_logout_redirect_uri"),
        state=state,
        ui_locales=tuple((params.one("ui_locales") or "").split()[:10]),
    )


def match_post_logout_uri(
    sent: str | None, *, registered: Sequence[str]
) -> VerifiedRedirect | None:
    """Return where to go after logout; ``None`` for an absent or unregistered URI (N187)."""
    if sent is None:
        return None
    try:
        return match_redirect_uri(sent, registered=registered)
    except OAuthRefusal:
        return None

"""What a call can end with, as types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from limen.client.answers import Way

Start = Callable[[str], Awaitable["Way"]]


class Refused(Exception):  # noqa: N818 -- an answer, not a malfunction
    """The server refused, or could not.

    Attributes:
        code: The stable code of docs/error-codes.md; ``unreachable`` if nobody answered.
        status: Of the answer; 0 where there was none.
        retry_after: In seconds, where the server said so.
    """

    def __init__(
        self, code: str, detail: str = "", *, status: int = 0, retry_after: int | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


class Unauthorized(Refused):
    """The credentials are not good, or not for this."""


class NotShared(Refused):
    """There is no such connection, or it is not shared with who asks."""


class Several(Refused):
    """The person has several connections there: name one, ``connection=``.

    Attributes:
        connections: Their ids, where they may be told.
    """

    connections: tuple[str, ...] = ()


class ProviderDown(Refused):
    """The provider can't renew the token now; the connection is well. Try again later."""


class Unreachable(Refused):
    """Limen itself did not answer, or failed."""


class _Startable(Refused):
    start: Start | None = None

    async def _started(self, return_to: str) -> Way:
        if self.start is None:
            raise Unauthorized("unauthorized", "These credentials can't begin that.")
        return await self.start(return_to)


class ReauthRequired(_Startable):
    """Only the connection's owner can help, by connecting the account again.

    Attributes:
        reason: Why, if the server may tell.
        advice: What to tell the person, likewise.
    """

    reason: str = ""
    advice: str = ""

    async def reconnect(self, *, return_to: str = "/account") -> Way:
        """Begin connecting the same account again; return where the person's browser goes.

        Raises:
            Unauthorized: The credentials may not begin that.
        """
        return await self._started(return_to)


class FeatureMissing(_Startable):
    """The connection is well, and does not cover what was asked for."""

    async def activate(self, *, return_to: str = "/account") -> Way:
        """Begin switching the feature on; return where the person's browser goes.

        Raises:
            Unauthorized: The credentials may not begin that.
        """
        return await self._started(return_to)


_KINDS: Final[dict[str, type[Refused]]] = {
    "connection_reauth_required": ReauthRequired,
    "connection_not_found": NotShared,
    "connection_consent_required": NotShared,
    "raw_consent_required": NotShared,
    "release_not_allowed": NotShared,
    "release_by_proxy_only": NotShared,
    "credential_by_proxy_only": NotShared,
    "release_too_broad": NotShared,
    "invalid_target": NotShared,
    "connection_ambiguous": Several,
    "feature_inactive": FeatureMissing,
    "scope_not_granted": FeatureMissing,
    "invalid_scope": FeatureMissing,
    "provider_unavailable": ProviderDown,
    "provider_paused": ProviderDown,
    "quota_exhausted": ProviderDown,
    "refresh_in_progress": ProviderDown,
    "temporarily_unavailable": ProviderDown,
    "insufficient_scope": Unauthorized,
    "invalid_client": Unauthorized,
    "invalid_grant": Unauthorized,
    "unauthorized_client": Unauthorized,
    "user_required": Unauthorized,
    "not_permitted": Unauthorized,
}


def refusal_of(code: str, detail: str, *, status: int, retry_after: int | None = None) -> Refused:
    """Return the exception of an answer."""
    kind = _KINDS.get(code)
    if kind is None:
        kind = Unauthorized if status in {401, 403} else Refused
        kind = Unreachable if status >= 500 else kind
    return kind(code, detail, status=status, retry_after=retry_after)

"""The kinds of refusal: typed errors with a stable code, a public text and a private detail.

Domain code raises these and never names an HTTP status; ``limen.web.errors`` renders them.
"""

from __future__ import annotations

from typing import ClassVar, Literal


class Refusal(Exception):  # noqa: N818 -- a refusal is an answer, not a malfunction
    """Refuse what was asked, in words safe for the caller.

    Args:
        code: Stable, lower-case, underscore-separated; documented on the error codes page.
        public: What the caller may read and act on. Never a secret, never another's data.
        detail: For the log alone.
        field: The input member at fault, if one is.

    Attributes:
        ask_at: The path on our issuer where an application asks the person who can help;
            empty where nobody can, or nobody is to be asked.
    """

    default_code: ClassVar[str] = "refused"
    ask_at: str = ""

    def __init__(
        self, code: str = "", public: str = "", *, detail: str = "", field: str = ""
    ) -> None:
        self.code = code or self.default_code
        self.public = public or self.code.replace("_", " ").capitalize() + "."
        self.detail = detail
        self.field = field
        super().__init__(self.code)


class InvalidInput(Refusal):
    """The input is understood and not acceptable."""

    default_code = "invalid_input"


class MalformedRequest(Refusal):
    """The request can't be read as what the endpoint takes."""

    default_code = "malformed_request"


class NotAuthenticated(Refusal):
    """Nobody, or nobody we believe, is asking."""

    default_code = "not_authenticated"


class ReauthenticationRequired(Refusal):
    """The session is valid and too old, or too weak, for what is asked.

    Args:
        public: What the caller may read.
        max_age: How old the sign-in may be, in seconds; ``None`` if that is not the reason.
    """

    default_code = "reauth_required"

    def __init__(self, code: str = "", public: str = "", *, max_age: int | None = None) -> None:
        super().__init__(code, public)
        self.max_age = max_age


class NotPermitted(Refusal):
    """Who asks is known and may not."""

    default_code = "not_permitted"


class NotFound(Refusal):
    """There is no such thing, or not for who asks."""

    default_code = "not_found"


class Conflict(Refusal):
    """The state of things does not allow it now."""

    default_code = "conflict"


class Throttled(Refusal):
    """Too many attempts; ``retry_after_seconds`` says when to come back."""

    default_code = "too_many_attempts"

    def __init__(self, code: str = "", public: str = "", *, retry_after_seconds: int) -> None:
        super().__init__(code, public)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(Refusal):
    """Something we need is gone for now; nothing was changed."""

    default_code = "temporarily_unavailable"
    retry_after_seconds = 2


class ProviderUnavailable(Refusal):
    """A provider did not answer, or not with what its protocol says.

    Args:
        sent: Whether a byte of the request may have left. What was never sent may be tried
            again; what may have arrived, a refresh token that rotates say, may not.
    """

    default_code = "provider_unavailable"

    def __init__(
        self, code: str = "", public: str = "", *, detail: str = "", sent: bool = True
    ) -> None:
        super().__init__(code, public, detail=detail)
        self.sent = sent


class NetRefused(ProviderUnavailable):
    """We refused to call: the address is not one we reach out to. Nothing was sent."""

    default_code = "outbound_refused"

    def __init__(self, code: str = "", public: str = "", *, detail: str = "") -> None:
        super().__init__(code, public, detail=detail, sent=False)


class TooLarge(Refusal):
    """The request is larger than the endpoint reads."""

    default_code = "request_too_large"


class UnsupportedContent(Refusal):
    """The content type or encoding of the request is not one the endpoint takes."""

    default_code = "unsupported_content_type"


class MethodNotAllowed(Refusal):
    """The path exists and does not take this verb."""

    default_code = "method_not_allowed"


class ConfigurationError(Exception):
    """The process can't start, or a command can't run, as configured.

    Args:
        problems: Every problem found, one sentence each.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class OAuthRefusal(Refusal):
    """A refusal in the words of RFC 6749 section 5.2 and its relatives.

    Args:
        code: A registered OAuth error code, ``invalid_grant`` say.
        public: Becomes ``error_description``.

    Attributes:
        is_told: Whether an event of its own tells of it, so that nobody records it once more.
        closer: A code of ours that says it closer than OAuth's words can; sent besides.
    """

    default_code = "invalid_request"
    is_told = False
    closer = ""


class InvalidClient(OAuthRefusal):
    """Client authentication failed; answered with 401 (RFC 6749 section 5.2)."""

    default_code = "invalid_client"


class BearerRefusal(OAuthRefusal):
    """A resource refused a token (RFC 6750 section 3).

    Args:
        code: ``invalid_token``, ``insufficient_scope``, ``invalid_request``, or none: ``""``.
        scope: The scope that would have sufficed, for ``insufficient_scope``.
        scheme: How the token should have come: the challenge names it.
        presented: Whether there was a token; who sent none is told no error in the challenge
            (RFC 6750 section 3.1).
    """

    default_code = "invalid_token"

    def __init__(
        self,
        code: str = "",
        public: str = "",
        *,
        detail: str = "",
        scope: str = "",
        scheme: Literal["Bearer", "DPoP"] = "Bearer",
        presented: bool = True,
    ) -> None:
        super().__init__(code, public, detail=detail)
        self.scope = scope
        self.scheme = scheme
        self.presented = presented


class InsufficientAuthentication(BearerRefusal):
    """A token is good, and the sign-in behind it too weak or too old (RFC 9470 section 3).

    Args:
        public: What the client may read.
        acr_values: Any of these would have sufficed; empty if the strength did.
        max_age: In seconds; ``None`` if the age did.
        scheme: How the token came.
    """

    default_code = "insufficient_user_authentication"

    def __init__(
        self,
        public: str = "",
        *,
        acr_values: tuple[str, ...] = (),
        max_age: int | None = None,
        scheme: Literal["Bearer", "DPoP"] = "Bearer",
    ) -> None:
        super().__init__("", public, scheme=scheme)
        self.acr_values = acr_values
        self.max_age = max_age

    @property
    def wanted(self) -> dict[str, str]:
        """What the challenge tells the client to ask for."""
        told = {"acr_values": " ".join(self.acr_values)} if self.acr_values else {}
        return told if self.max_age is None else {**told, "max_age": str(self.max_age)}

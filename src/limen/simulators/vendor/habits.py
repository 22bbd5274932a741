"""What a vendor does that its entry does not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from limen.simulators.state import Account, Client

Members = Callable[[Account, Client], Mapping[str, Any]]


def _nothing(_account: Account, _client: Client) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """A vendor's ways; each default is what most do.

    Args:
        access_seconds: How long access tokens live; ``None``: they do not expire and answers
            say nothing of it.
        expiry_is_a_choice: Tokens expire, and refresh tokens are given, only where the client
            chose so.
        error_status: Of refusals at the token endpoint.
        bad_code: What a bad code is called there; ``bad_redirect`` another redirect URI.
        error_lists: Members of errors that are lists.
        takes_basic: Where the entry says that we post our secret, Basic works as well.
        requires_pkce: A request without a challenge is refused.
        optional_redirect_uri: It may be left out where one is registered.
        form_unless_asked: Answers are forms unless JSON is asked for.
        remembers_consent: Who agreed before is not asked again.
        unticks: People may leave out scopes, but for those that name the account.
        refresh_when_shown: A refresh token comes only with a consent screen.
        one_installation: A new consent ends what the older one gave.
        numeric_subject: The account's id is a JSON number.
        access_prefix: How access tokens begin; for the other two as well.
        claims: More members of ID tokens.
        token_members: More members of token responses, by JSON pointer.
        documents: What documents about the account say, by name, where the entry's pointers
            are not all of it.
        issuer: Of ID tokens, below the simulator's base URL.
    """

    access_seconds: int | None = 3600
    expiry_is_a_choice: bool = False
    error_status: int = 400
    bad_code: str = ""
    bad_redirect: str = ""
    error_lists: tuple[str, ...] = ()
    takes_basic: bool = False
    requires_pkce: bool = False
    optional_redirect_uri: bool = False
    form_unless_asked: bool = False
    remembers_consent: bool = False
    unticks: bool = False
    refresh_when_shown: bool = False
    one_installation: bool = False
    numeric_subject: bool = False
    access_prefix: str = "sim-access-"
    refresh_prefix: str = "sim-refresh-"
    code_prefix: str = ""
    claims: Members = _nothing
    token_members: Members = _nothing
    documents: Mapping[str, Members] = field(default_factory=dict)
    issuer: Callable[[Account], str] = lambda _account: ""

"""Who calls the token endpoint: an authenticated client, and the key it proved to hold."""

from __future__ import annotations

from dataclasses import dataclass

from limen.oauth.model import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A client as it stands before a grant.

    Args:
        client: Authenticated already.
        bound_to: ``jkt:…`` or ``x5t#S256:…``: the key that this request was proved to come
            with, to which its tokens will be bound; empty for none.
    """

    client: Client
    bound_to: str = ""

    @property
    def grant_bound_to(self) -> str:
        """What a grant's refresh token is bound to: of public clients the key.

        A confidential client authenticates; its key may change from request to request
        (RFC 9449 section 5).
        """
        return self.bound_to if self.client.is_public else ""

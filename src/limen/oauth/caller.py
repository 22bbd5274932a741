"""Who calls: an authenticated client with the key it proved to hold, or who signs in by it."""

from __future__ import annotations

from dataclasses import dataclass

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.oauth.authorization.asked import SignedIn
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


def become_nobody(work: Work) -> None:
    """Let what a client sends for a person be nobody's, by that client, until they are known.

    It is not the client that mistypes a password or enrols a factor. Who only named a public
    client stays as they are.
    """
    if work.actor.kind == "client":
        work.actor = Actor("anonymous", client_id=work.actor.client_id)


def become_person(work: Work, who: SignedIn) -> None:
    """Let what follows be done by the person who signed in by the client that authenticated.

    They may no more by it than the client, which has no scope.
    """
    client_id = work.actor.client_id
    if client_id and work.actor.kind in {"client", "anonymous"}:
        work.actor = Actor(
            "user",
            id=who.user_id,
            session_id=who.session_id,
            client_id=client_id,
            scope=frozenset(),
            authenticated_at=who.authenticated_at,
            amr=who.amr,
        )

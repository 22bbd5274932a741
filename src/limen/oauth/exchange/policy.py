"""What an administrator lets a client exchange; what is not named is refused."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field, StrictBool, StringConstraints

from limen.oauth.trust.chosen import Chosen

_MOST: Final = 200

_Name = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=_MOST)]
_Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,256}$")]
_Scopes = Annotated[tuple[_Scope, ...], Field(max_length=_MOST)]


class AssertionTarget(Chosen):
    """Another authorization server, for which identity assertions may be issued (ID-JAG).

    Attributes:
        audience: Its issuer, byte for byte.
        client_id: What our client is called there.
        resources: For which of its resources, in each assertion one; empty leaves that to it.
        scopes: Which scopes it may be asked for there; all of them where none is asked for.
            Empty leaves that to it.
        subject_client: The client by which that server signs people in here: its ``sub`` is
            what that server knows them by. Empty for our client's own.
    """

    refused_as: ClassVar[str] = "exchange_policy_invalid"

    audience: _Name
    client_id: _Name
    resources: _Names = ()
    scopes: _Scopes = ()
    subject_client: str = Field(default="", max_length=2048)


class ExchangePolicy(Chosen):
    """What one client may exchange.

    Attributes:
        subject_clients: Whose access tokens, by the client they were issued to; ``*`` for
            anybody's in this tenant. A client's own are no exception. Actor tokens are its own
            or these clients' too.
        subject_issuers: Which trusted issuers' tokens.
        subjects: Who may be spoken for: ids of users and machine clients; ``*`` for anybody.
        audiences: For which of our resources, and which other targets.
        scopes: The most that a token may carry; what the client may have there is less at most.
        impersonate: Whether a token may leave its actor unsaid. Otherwise every one names who
            acts: the subject of the actor token, or the client itself.
        assertions: Where identity assertions may be issued to.
    """

    refused_as: ClassVar[str] = "exchange_policy_invalid"

    subject_clients: _Names = ()
    subject_issuers: _Names = ()
    subjects: _Names = ()
    audiences: _Names = ()
    scopes: _Scopes = ()
    impersonate: StrictBool = False
    assertions: Annotated[tuple[AssertionTarget, ...], Field(max_length=_MOST)] = ()

    def assertion_for(self, audience: str) -> AssertionTarget | None:
        """Return what may be asserted to another server."""
        return next((each for each in self.assertions if each.audience == audience), None)

"""JSON of signing in with accounts elsewhere."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from limen.signin.endpoints.schemas import Shape

ProfileField = Literal["name", "given_name", "family_name", "locale", "picture"]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TicketBody(_Read):
    """What came back to a front end, and the secret it made before."""

    ticket: SecretStr
    code_verifier: SecretStr


class ProofBody(_Read):
    """Names a sign-in that has to prove a mailbox."""

    challenge: SecretStr


class ProofReply(ProofBody):
    """The code of the mail."""

    code: SecretStr


class ProofRequired(Shape):
    """A problem (RFC 9457) that the proof of a mailbox solves: no session has begun."""

    type: Literal["about:blank"] = "about:blank"
    title: Literal["Forbidden"] = "Forbidden"
    status: Literal[403] = 403
    detail: str
    code: Literal["mailbox_proof_required"] = "mailbox_proof_required"
    provider: str
    account: str
    challenge: str = Field(description="Names this sign-in; it opens nothing by itself")
    expires_at: dt.datetime


class IdentityShape(Shape):
    """An account elsewhere that signs one in."""

    id: str
    provider: str
    account: str
    email: str | None
    email_verified: bool
    linked_at: dt.datetime
    last_used_at: dt.datetime


class Identities(Shape):
    """One's own, the oldest link first."""

    items: list[IdentityShape]


class LinkAnswer(Shape):
    """What became of a link; ``link_url`` is for the browser of whoever asked."""

    linked: bool
    link_url: str | None = None


class LinkBody(_Read):
    """Either a provider, to be linked in a browser; or a ticket a front end came back with."""

    provider: str = Field(default="", max_length=40)
    ticket: SecretStr | None = None
    code_verifier: SecretStr | None = None


class UsedField(Shape):
    """What is used of a field, and where it is from: ``own``, ``none`` or an identity."""

    value: str | None
    source: str
    since: dt.datetime | None


class ProfileChange(Shape):
    """What a provider said before it said something else."""

    at: dt.datetime
    before: dict[str, Any]


class ProviderProfile(Shape):
    """What a provider last said."""

    identity: str
    provider: str
    provider_user_id: str
    email: str | None
    email_verified: bool
    name: str | None
    avatar_url: str | None
    picture_url: str | None = Field(description="The same picture as we keep and serve it")
    profile_data: dict[str, Any]
    last_sync: dt.datetime
    changed_at: dt.datetime
    history: list[ProfileChange]


class ProfileAnswer(Shape):
    """What is used of one's profile, and what each provider says."""

    user_id: str
    email: str | None
    email_verified: bool
    used: dict[str, UsedField]
    own_picture_url: str | None
    profiles: list[ProviderProfile]


class FieldChoice(_Read):
    """What a field shall follow: ``own`` with a value, ``none``, or the id of an identity."""

    source: str = Field(min_length=1, max_length=64)
    value: str | None = Field(default=None, max_length=1000)


class ProfileBody(_Read):
    """Fields to change; the others stay as they are."""

    name: FieldChoice | None = None
    given_name: FieldChoice | None = None
    family_name: FieldChoice | None = None
    locale: FieldChoice | None = None
    picture: FieldChoice | None = None


class PictureAnswer(Shape):
    """Where one's picture is served."""

    picture_url: str

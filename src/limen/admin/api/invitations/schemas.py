"""What the routes of invitations take and say."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from limen.access.invitations.model import MOST_DAYS, Invitation, ShownInvitationState
from limen.access.permissions import Role
from limen.web.languages.negotiate import DEFAULT, Language


class InvitationBody(BaseModel):
    """Whom to invite; ``days`` is for how long the mailed link is good, ``language`` the mail's."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    email: str = Field(max_length=320)
    role: Role = "member"
    days: int = Field(default=7, ge=1, le=MOST_DAYS)
    language: Language = DEFAULT


class InvitationView(BaseModel):
    """An invitation; the link is in the mail alone."""

    id: str
    email: str
    role: Role
    state: ShownInvitationState
    invited_by: str | None
    accepted_by: str | None
    created_at: dt.datetime
    sent_at: dt.datetime
    expires_at: dt.datetime

    @classmethod
    def of(cls, invitation: Invitation, *, now: dt.datetime) -> InvitationView:
        """Shape an invitation."""
        return cls(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            state=invitation.shown_state(now),
            invited_by=invitation.invited_by or None,
            accepted_by=invitation.accepted_by or None,
            created_at=invitation.created_at,
            sent_at=invitation.sent_at,
            expires_at=invitation.expires_at,
        )


class InvitationPage(BaseModel):
    """Some invitations; ``next_cursor`` is empty at the end."""

    invitations: list[InvitationView]
    next_cursor: str

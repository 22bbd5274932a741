"""What happens to accounts. Ids alone: no address, no name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from limen.kernel.events import Event, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class UserCreated(Event):
    """An account came to be; ``how`` says through which door."""

    name: ClassVar[str] = "account:user:created"
    user_id: str
    how: Literal["signed_up", "operator", "provider", "host", "invited"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignUpRepeated(Event):
    """Someone signed up with an address that has an account already."""

    name: ClassVar[str] = "account:sign_up:repeated"
    outcome: ClassVar[Outcome] = "denied"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailVerified(Event):
    """A person proved their mailbox."""

    name: ClassVar[str] = "account:email:verified"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailChangeAsked(Event):
    """A person asked for another address; the link is in its mailbox."""

    name: ClassVar[str] = "account:email:change_asked"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailChanged(Event):
    """A person has another address, and proved it."""

    name: ClassVar[str] = "account:email:changed"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountReclaimed(Event):
    """The owner of a mailbox took over an unverified account that another had made of it.

    Whoever keeps anything of the earlier person (factors, linked identities, connections)
    reacts by deleting it (N130).
    """

    name: ClassVar[str] = "account:user:reclaimed"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordResetRequested(Event):
    """A link to choose a new password was mailed."""

    name: ClassVar[str] = "account:password:reset_requested"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordChanged(Event):
    """A person has a new password."""

    name: ClassVar[str] = "account:password:changed"
    user_id: str
    how: Literal["changed", "reset", "reclaimed", "required"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeTried(Event):
    """Someone typed a mailbox's code; ``account`` is a keyed hash of the address they gave.

    Whether it was right, an event after it says.
    """

    name: ClassVar[str] = "account:code:tried"
    account: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordChangeRequired(Event):
    """A person's password opens nothing any more but its replacement."""

    name: ClassVar[str] = "account:password:change_required"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TermsAccepted(Event):
    """A person accepted a version of the tenant's terms."""

    name: ClassVar[str] = "account:terms:accepted"
    user_id: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileChanged(Event):
    """Claims of a person changed; ``members`` names which, not to what."""

    name: ClassVar[str] = "account:profile:changed"
    user_id: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureChanged(Event):
    """A person has another picture; ``source`` is ``own`` or an identity at a provider."""

    name: ClassVar[str] = "account:picture:changed"
    user_id: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UserDisabled(Event):
    """A person may not sign in any more; sessions and tokens ended."""

    name: ClassVar[str] = "account:user:disabled"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UserEnabled(Event):
    """A disabled person may sign in again."""

    name: ClassVar[str] = "account:user:enabled"
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountClosed(Event):
    """An account is gone, with everything that named or proved the person."""

    name: ClassVar[str] = "account:user:closed"
    user_id: str

"""A connection as a line of JSON: what an import takes and an export writes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from limen.federation.provider import is_token
from limen.kernel.errors import InvalidInput
from limen.kernel.foreign_json import parse_json
from limen.kernel.secret import Secret

MOST_BYTES: Final = 64 * 1024
"""Of one line; the largest tokens known are of four kilobytes."""
_MOST_TOKEN_CHARS: Final = 16_384
_YEARS: Final = range(1970, 3000)

_Word = Annotated[str, StringConstraints(max_length=512)]
_Scope = Annotated[str, StringConstraints(min_length=1, max_length=512)]
_Feature = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class ConnectionLine(BaseModel):
    """One connection.

    Attributes:
        user: Whose: an id here, the id of a host application, or an e-mail address that its
            person has proved here.
        issuer: With ``subject``, the account it claims to be of; what the provider says decides.
        account: What the provider calls the account, for people.
        label: What its owner calls the connection.
        issued_at: When the access token was; its life counts from there.
        connected_at: When the person agreed.
        scopes: What was granted; a later answer of the provider knows better.
        features: To switch on, as far as ``scopes`` cover them.
        id: Of the connection where it comes from; not taken over, nor is its ``state`` or what
            the provider said beside the tokens (``details``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    user: Annotated[str, StringConstraints(min_length=1, max_length=320)]
    belongs_to: Literal["person", "tenant"] = "person"
    issuer: Annotated[str, StringConstraints(max_length=2048)] = ""
    subject: _Word = ""
    account: Annotated[str, StringConstraints(max_length=200)] = ""
    label: Annotated[str, StringConstraints(max_length=200)] = ""
    tags: tuple[_Word, ...] = Field(default=(), max_length=20)
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=50)
    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    expires_at: AwareDatetime | None = None
    issued_at: AwareDatetime | None = None
    connected_at: AwareDatetime | None = None
    scopes: tuple[_Scope, ...] = Field(default=(), max_length=200)
    features: tuple[_Feature, ...] = Field(default=(), max_length=20)
    id: _Word = ""
    state: _Word = ""
    details: dict[str, str] = Field(default_factory=dict, max_length=50)

    @field_validator("access_token", "refresh_token")
    @classmethod
    def _can_be_sent(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None:
            return None
        raw = token.get_secret_value()
        if not is_token(raw) or len(raw) > _MOST_TOKEN_CHARS:
            raise ValueError("is no token")
        return token

    @field_validator("issued_at", "connected_at")
    @classmethod
    def _was_once(cls, moment: dt.datetime | None) -> dt.datetime | None:
        """Refuse the ends of the calendar: in UTC they lie beyond it, and nothing is added."""
        if moment is not None and moment.year not in _YEARS:
            raise ValueError("is no moment that can be kept")
        return moment

    @model_validator(mode="after")
    def _holds_a_token(self) -> ConnectionLine:
        if self.access_token is None and self.refresh_token is None:
            raise ValueError("has neither an access_token nor a refresh_token")
        return self

    @property
    def raw_access(self) -> Secret[str] | None:
        """The access token."""
        return _secret(self.access_token)

    @property
    def raw_refresh(self) -> Secret[str] | None:
        """The refresh token."""
        return _secret(self.refresh_token)

    @property
    def lasting(self) -> Secret[str]:
        """The token that names this line's token family: the refresh token if there is one."""
        lasting = self.raw_refresh or self.raw_access
        assert lasting is not None
        return lasting

    @property
    def fingerprint(self) -> bytes:
        """What a second line for the same tokens and the same person has in common."""
        told = json.dumps([self.provider, self.user, self.belongs_to, self.lasting.reveal()])
        return hashlib.sha256(told.encode()).digest()


def read_connection_line(raw: bytes) -> ConnectionLine:
    """Read one line. No refusal repeats what stands there.

    Raises:
        InvalidInput: ``line_too_long``; ``invalid_input``: no JSON object, a member twice, or
            no connection.
    """
    if len(raw) > MOST_BYTES:
        raise InvalidInput("line_too_long", f"A line has {MOST_BYTES} bytes at most.")
    try:
        told = parse_json(raw.decode(), pairs=_once)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise InvalidInput("invalid_input", "The line is not a JSON object.")
    return checked_line(told)


class Seen:
    """The lines of one file so far, by their fingerprints."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def check(self, line: ConnectionLine) -> None:
        """Refuse a second line for the same tokens and the same person.

        Raises:
            InvalidInput: ``line_repeated``.
        """
        if line.fingerprint in self._known:
            raise InvalidInput("line_repeated", "An earlier line has these tokens already.")
        self._known.add(line.fingerprint)


def checked_line(members: dict[str, Any]) -> ConnectionLine:
    """Check members that are a line's.

    Raises:
        InvalidInput: ``invalid_input``, naming the first member at fault.
    """
    try:
        return ConnectionLine.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        known = [str(part) for part in first["loc"][:1] if part in ConnectionLine.model_fields]
        text = first["msg"].removeprefix("Value error, ")
        told = text if known or not first["loc"] else "There is a member that nobody knows"
        raise InvalidInput("invalid_input", f"{told}.", field="".join(known)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says a thing twice: two readers might take it differently."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("twice")
    return made


def _secret(token: SecretStr | None) -> Secret[str] | None:
    return None if token is None else Secret(token.get_secret_value())

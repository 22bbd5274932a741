"""What an error page says beside the refusal's own words: a title, and the way on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """Of one kind of error page.

    Args:
        title: What happened, to a person.
        way_on: What to do now.
        link: Where the button leads, under the tenant's root; none without.
        link_label: What it says.
    """

    title: str
    way_on: str
    link: str = "/account"
    link_label: str = "Go to your account"


_ACCOUNT_OR_BACK: Final = "Go back to where you came from and start again."

_BY_STATUS: Final = {
    400: Words("This request can't be answered", _ACCOUNT_OR_BACK),
    401: Words("Please sign in", "Sign in and try again.", "/sign-in", "Sign in"),
    403: Words("This is not allowed", "If you think it should be, ask whoever runs this service."),
    404: Words("There is nothing here", "Check the address, or start from your account."),
    405: Words("This address can't be used that way", _ACCOUNT_OR_BACK),
    409: Words(
        "That is not possible now", "Something has changed meanwhile. Go back and look again."
    ),
    413: Words("That is too much at once", "Send less, and try again."),
    422: Words("That can't be accepted", "Go back, correct it and try again."),
    429: Words("Too many attempts", "Nothing is lost. Wait a little and try again.", ""),
    502: Words("The other service does not answer", "Wait a moment and try again."),
    503: Words("We can't answer right now", "Wait a few seconds and reload the page.", ""),
}

_OURS: Final = Words(
    "Something broke on our side",
    "Try again in a minute. If it stays, tell whoever runs this service.",
    "",
)


def words_for(status: int) -> Words:
    """Return the words for a status."""
    return _BY_STATUS.get(status) or (_OURS if status >= 500 else _BY_STATUS[400])

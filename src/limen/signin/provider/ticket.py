"""The way back to a front end of another origin: a ticket in the URL, worth nothing by itself.

The front end made a secret before it sent the browser away, and only with it the ticket is
good, once: who reads the URL in a log or a history has nothing (N125), and a journey that a
stranger began ends at a front end that does not know its secret.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from limen.db.work import Work
from limen.federation.parts import Parts
from limen.kernel.errors import InvalidInput
from limen.kernel.ids import b64url
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import mint, read, token_hash
from limen.signin.provider import store
from limen.signin.provider.proven import Proven, open_proven, seal_proven
from limen.tenants import policy_of

KIND: Final = "lmt"
TTL: Final = dt.timedelta(minutes=2)
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_MAX_CHARS: Final = 2048
_MAX_STATE_CHARS: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """A front end that waits for a browser to come back.

    Args:
        return_to: Where, at an origin that the tenant allows.
        challenge: SHA-256 of its secret, as PKCE's S256 has it (RFC 7636 section 4.2).
        state: Given back as it came.
    """

    return_to: str
    challenge: str
    state: str = ""

    def to_json(self) -> dict[str, str]:
        """Return what must be remembered until the callback."""
        return {"return_to": self.return_to, "challenge": self.challenge, "state": self.state}

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> FrontEnd | None:
        """Read what ``to_json`` wrote, if it did."""
        told = detail.get("front_end")
        return None if told is None else cls(**told)


def check_front_end(work: Work, front_end: FrontEnd) -> None:
    """Refuse to send a browser where the tenant's policy allows nobody (open redirect).

    Raises:
        InvalidInput: ``return_to_invalid``, ``code_challenge_invalid``, ``state_invalid``.
    """
    url = front_end.return_to
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    origin = f"{parts.scheme}://{parts.netloc}"
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    fits = len(url) <= _MAX_CHARS and plain and not parts.fragment
    if not fits or origin not in policy_of(work).allowed_origins:
        raise InvalidInput("return_to_invalid", "That is no place to return to.", field="return_to")
    if not _CHALLENGE.fullmatch(front_end.challenge):
        raise InvalidInput(
            "code_challenge_invalid",
            "Send the SHA-256 of your verifier in base64url.",
            field="code_challenge",
        )
    if len(front_end.state) > _MAX_STATE_CHARS or not front_end.state.isprintable():
        raise InvalidInput("state_invalid", "The state is too long.", field="state")


def error_url(work: Work, front_end: FrontEnd, *, code: str) -> str:
    """Return the URL that tells the front end why its browser is nobody's.

    Raises:
        InvalidInput: As ``check_front_end``: the tenant allows it no more.
    """
    check_front_end(work, front_end)
    return _url(front_end, error=code)


async def issue_ticket(work: Work, parts: Parts, *, proven: Proven, front_end: FrontEnd) -> str:
    """Keep what was proven and return the URL that takes its ticket to the front end."""
    raw = mint(KIND, work.tenant_id)
    hashed = token_hash(raw)
    await store.add(
        work,
        token_hash=hashed,
        kind="ticket",
        binding_hash=front_end.challenge.encode(),
        user_id="",
        address="",
        sealed_identity=await seal_proven(work, parts.envelope, proven=proven, token_hash=hashed),
        detail={},
        expires_at=work.now + TTL,
    )
    return _url(front_end, ticket=raw.reveal())


def _url(front_end: FrontEnd, **told: str) -> str:
    query = {**told, **({"state": front_end.state} if front_end.state else {})}
    joint = "&" if urlsplit(front_end.return_to).query else "?"
    return f"{front_end.return_to}{joint}{urlencode(query)}"


async def take_ticket(
    parts: Parts, site: Site, *, raw_ticket: Secret[str], raw_verifier: Secret[str]
) -> Proven:
    """Consume a ticket, durably, before anything is done with it.

    A wrong verifier leaves it as it was, for who has the right one.

    Raises:
        InvalidInput: ``ticket_invalid``: unknown, used, expired, another tenant's, or the
            verifier is not the one.
    """
    told = read(raw_ticket, kind=KIND)
    binding = b64url(sha256(raw_verifier.reveal().encode("utf-8", "surrogatepass")).digest())

    async def body(work: Work) -> Proven | None:
        kept = await store.take_kept(
            work, kind="ticket", hashed=token_hash(raw_ticket), binding=binding.encode()
        )
        if kept is None:
            return None
        return await open_proven(
            work, parts.envelope, sealed=kept.sealed_identity, token_hash=kept.token_hash
        )

    proven = None
    if (
        told is not None
        and told.tenant_id == site.tenant_id
        and _VERIFIER.fullmatch(raw_verifier.reveal())
    ):
        proven = await parts.works.run(site, body)
    if proven is None:
        text = "This sign-in was used already, or took too long. Begin again."
        raise InvalidInput("ticket_invalid", text)
    return proven

"""Which members of which document name an account, as data; and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from limen.federation.facts import Name, Part
from limen.federation.provider import ExternalIdentity, Told

Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/~]+)+$")]
Place = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]*:)?(/[^/~?:]+)+\??$")]
"""A pointer into the rule's source, or into the document named before a colon; a question mark
after it says that it may be absent."""
_ABSENT: Final = "-"
EmailRule = Literal["never", "claim", "claim_or_text", "listed"]


class ListedEmail(Part):
    """A document that lists a person's addresses with what the provider knows of each.

    Attributes:
        document: An array of objects.
        address: Where each holds the address; the others where it says true.
    """

    document: Name
    address: Pointer
    primary: Pointer
    verified: Pointer


class Identity(Part):
    """What names the account at the provider.

    Attributes:
        source: ``id_token`` (verified), ``token_response``, or the name of a document.
        issuer: What makes subjects unique beyond this provider; values may complete it.
        subject: The stable key; several are joined by a colon, and each must be there unless
            it says otherwise.
        label: What a person recognises the account by; the first that is there.
        email_verified: ``never``: it proves nothing. ``claim``: ``email_verified_at`` must be
            the JSON true. ``claim_or_text``: there it may also be the text ``true``.
            ``listed``: the primary one of a list, if it is verified there.
        email_verified_at: Where the provider says so.
        email_domains: Only addresses of these domains are proved by the claim; of any if empty.
        email_domain_at: Or of the domain that stands there (Google's ``hd``).
        profile: Members kept of what the provider said, besides ``hd`` and the like.
    """

    source: str
    issuer: str = Field(pattern=r"^https://[a-z0-9.{}_-]+(/[^\s?#]*)?$")
    subject: tuple[Place, ...] = Field(min_length=1)
    label: tuple[Place, ...]
    email: Place | None = None
    email_verified: EmailRule = "never"
    email_verified_at: Pointer = "/email_verified"
    email_domains: tuple[str, ...] = ()
    email_domain_at: Pointer | None = None
    listed: ListedEmail | None = None
    name: tuple[Place, ...] = ()
    picture: Place | None = None
    locale: Place | None = None
    profile: tuple[Place, ...] = ()


def read_identity(rule: Identity, told: Told, *, issuer: str) -> ExternalIdentity | None:
    """Return whose tokens these are; ``None`` if the stable key is not there.

    Args:
        rule: The entry's.
        told: What the provider said.
        issuer: The rule's, completed.
    """

    def read(place: str) -> Any:
        return _at_place(rule, told, place)

    subject = _subject(rule, read)
    if not subject:
        return None
    email, verified = _email(rule, told, read)
    return ExternalIdentity(
        issuer=issuer,
        subject=subject,
        label=_first(read, rule.label) or subject,
        email=email or None,
        email_verified=verified,
        name=_first(read, rule.name) or None,
        picture=(_text(read(rule.picture)) if rule.picture else "") or None,
        locale=(_text(read(rule.locale)) if rule.locale else "") or None,
        profile={
            place.rpartition("/")[2]: value
            for place in rule.profile
            if (value := read(place)) is not None
        },
    )


def is_other_subject(rule: Identity, claims: Mapping[str, Any], subject: str) -> bool:
    """Say whether an ID token's claims contradict a subject, as far as they speak of it.

    Args:
        rule: The entry's.
        claims: Of the ID token.
        subject: As ``read_identity`` made it.
    """
    if rule.source != "id_token":
        return False
    parts = subject.split(":") if len(rule.subject) > 1 else [subject]
    return len(parts) != len(rule.subject) or any(
        place.startswith("/") and _key(at(claims, place)) != part
        for place, part in zip(rule.subject, parts, strict=True)
    )


def document_of(source: str, told: Told) -> Any:
    """Return one of the things a provider said; an ID token beside UserInfo wins over it."""
    if source == "id_token":
        userinfo = told.documents.get("userinfo")
        return {**(userinfo if isinstance(userinfo, Mapping) else {}), **told.claims}
    if source == "token_response":
        return told.answer.members
    return told.documents.get(source)


def at(document: object, pointer: str) -> Any:
    """Return what a JSON pointer names (RFC 6901, without escapes), or ``None``."""
    found = document
    for step in pointer.split("/")[1:]:
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, Mapping):
            found = found.get(step)
        else:
            return None
    return found


_Read = Callable[[str], Any]


def _at_place(rule: Identity, told: Told, place: str) -> Any:
    source, _, pointer = place.rpartition(":")
    return at(document_of(source or rule.source, told), pointer.removesuffix("?"))


def _subject(rule: Identity, read: _Read) -> str:
    parts = [
        _key(read(place)) or (_ABSENT if place.endswith("?") else "") for place in rule.subject
    ]
    whole = len(parts) == 1 or not any(":" in part for part in parts)
    return ":".join(parts) if all(parts) and whole else ""


def _email(rule: Identity, told: Told, read: _Read) -> tuple[str, bool]:
    if rule.email_verified == "listed" and rule.listed is not None:
        found = _listed(rule.listed, told)
        if found[0]:
            return found
    email = _text(read(rule.email)) if rule.email else ""
    if not email or rule.email_verified not in {"claim", "claim_or_text"}:
        return email, False
    said = read(rule.email_verified_at)
    # "true" as text is what a hand-made claim says (N129), unless the provider is known for it.
    is_said = said is True or (rule.email_verified == "claim_or_text" and said == "true")
    return email, is_said and _is_of_its_domain(rule, read, email)


def _is_of_its_domain(rule: Identity, read: _Read, email: str) -> bool:
    """What a provider says of a third party's address may be outdated; of its own it knows."""
    if not rule.email_domains and rule.email_domain_at is None:
        return True
    domain = email.rpartition("@")[2].lower()
    own = _text(read(rule.email_domain_at)).lower() if rule.email_domain_at else ""
    return bool(domain) and (domain in rule.email_domains or domain == own)


def _listed(listed: ListedEmail, told: Told) -> tuple[str, bool]:
    rows = told.documents.get(listed.document)
    for row in rows if isinstance(rows, list | tuple) else ():
        address = _text(at(row, listed.address))
        if address and at(row, listed.primary) is True:
            return address, at(row, listed.verified) is True
    return "", False


def _first(read: _Read, places: tuple[str, ...]) -> str:
    found = (_text(read(place)) for place in places)
    return next((text for text in found if text), "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _key(value: object) -> str:
    """Read a stable key: text, or a number (GitHub); never a boolean."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)

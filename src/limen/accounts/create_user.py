"""Create an account: for someone else, and the step that every way in shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limen.accounts import store
from limen.accounts.claims import check_claims, names_in
from limen.accounts.email_address import parse_email
from limen.accounts.events import UserCreated
from limen.accounts.passwords import check_new_password, normalise
from limen.accounts.user import User
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Work
from limen.kernel.errors import Conflict
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.tenants import display_name, policy_of
from limen.tokens import principals


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """Whom to create.

    Args:
        email: Their address.
        password: ``None`` for someone who will sign in some other way, or reset it.
        verified: Whether the operator vouches for the mailbox.
        claims: Standard claims.
        check_rules: Whether the rules for passwords hold; operators may lift them for
            development and tests, never the API.
    """

    email: str
    password: Secret[str] | None = None
    verified: bool = False
    claims: Mapping[str, Any] = field(default_factory=dict)
    check_rules: bool = True


async def create_user(work: Work, *, new: NewUser, hasher: PasswordHasher) -> User:
    """Create a person.

    Raises:
        InvalidInput: As ``parse_email``, ``check_claims`` and ``check_new_password``.
        Conflict: ``email_taken``.
    """
    address = parse_email(new.email)
    claims = check_claims(new.claims, by_operator=True)
    password_hash: str | None = None
    if new.password is not None:
        context = (address, display_name(work), *names_in(claims))
        password = (
            check_new_password(new.password, policy=policy_of(work), context=context)
            if new.check_rules
            else normalise(new.password)
        )
        await work.let_go()
        password_hash = await hasher.hash(password)
    row = NewRow(
        how="operator",
        address=address,
        verified=new.verified,
        password_hash=password_hash,
        claims=claims,
    )
    user = await add_user(work, row)
    if user is None:
        raise Conflict("email_taken", "This address has an account already.")
    return user


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A person to insert; everything in it is checked.

    Args:
        how: Through which door they came.
        address: Canonical; ``None`` when no address names them.
        verified: Whether they proved that mailbox.
        password_hash: ``None`` when they have no password.
        claims: Checked standard claims.
    """

    how: Literal["signed_up", "operator", "provider", "host", "invited"]
    address: str | None
    verified: bool
    password_hash: str | None
    claims: Mapping[str, Any] = field(default_factory=dict)


async def add_user(work: Work, new: NewRow) -> User | None:
    """Insert a person; ``None`` if the address names another.

    Atomic: of concurrent callers with one address one gets the person.
    """
    user = User(
        id=new_id(work.now),
        state="active",
        email=new.address,
        email_verified_at=work.now if new.verified and new.address else None,
        claims=dict(new.claims),
        created_at=work.now,
        updated_at=work.now,
    )
    await store.add_user(work, user)
    if new.address and not await store.add_email(work, user_id=user.id, address=new.address):
        await store.delete_user(work, user.id)
        return None
    if new.password_hash is not None:
        await store.put_password(work, user.id, password_hash=new.password_hash)
    await principals.put(work, kind="user", principal_id=user.id)
    await work.record(UserCreated(user_id=user.id, how=new.how))
    return user

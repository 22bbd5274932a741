"""Sign in with an account at a provider: by issuer and subject, never by e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.accounts.create_from_provider import create_from_provider
from limen.accounts.directory import hold_active_user
from limen.accounts.user import User
from limen.db.work import Work
from limen.federation.begin import Flow, begin
from limen.federation.finish import Callback, Finished, finish
from limen.federation.identities import find_user_of, link_identity
from limen.federation.parts import Parts
from limen.federation.provider import Ask, ExternalIdentity, Provider
from limen.federation.upstream_clients import get_upstream_client, list_upstream_clients
from limen.kernel.errors import Conflict, NotFound, NotPermitted
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.signin.parts import ListProviders, ProviderButton
from limen.signin.steps.enter import go_on
from limen.signin.steps.underway import Entered, Underway, Waiting

FEDERATED: Final = "fed"
"""The ``amr`` of a sign-in that a provider vouched for; how it did, it may not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a browser brings back from a provider.

    Args:
        user_agent: As the browser says.
        session_id: Whom this browser is signed in as already, if anybody.
    """

    callback: Callback
    user_agent: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Somebody is in, or has a step to pass before.

    Args:
        continue_path: Where they were going.
    """

    outcome: Entered | Waiting
    continue_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A browser about to leave for a provider.

    Args:
        raw_browser: The secret its cookie will hold: only it can come back.
        continue_path: Where it goes after signing in; checked before.
    """

    provider: str
    raw_browser: Secret[str]
    continue_path: str


async def begin_sign_in(work: Work, parts: Parts, *, departure: Departure) -> str:
    """Return the provider's URL.

    Raises:
        NotFound: ``provider_unknown``.
        NotPermitted: ``provider_disabled`` (N126).
    """
    client = await get_upstream_client(work, parts.envelope, provider=departure.provider)
    provider = find_sign_in_provider(parts, departure.provider, client.config)
    flow = Flow(
        provider=provider,
        client=client,
        ask=Ask(purpose="sign_in", scopes=provider.sign_in_scopes),
        redirect_uri=callback_uri(work.site, departure.provider),
        raw_browser=departure.raw_browser,
        detail={"continue": departure.continue_path},
    )
    return await begin(work, parts, flow=flow)


async def finish_sign_in(parts: Parts, site: Site, *, arrival: Arrival) -> Arrived:
    """Begin a session for whoever the provider proved, in a new account if need be.

    Raises:
        MalformedRequest, ProviderUnavailable: As ``federation.finish``.
        Conflict: ``account_exists``: the address belongs to an account that this identity
            was never linked to. Nothing is linked and nothing changes (N129, N130).
        NotPermitted: ``registration_closed``, ``account_not_active``, ``provider_disabled``,
            ``refused_by_hook``.
    """

    def find(provider: str, config: Mapping[str, Any]) -> Provider:
        return find_sign_in_provider(parts, provider, config)

    finished = await finish(parts, site, callback=arrival.callback, find_provider=find)

    async def body(work: Work) -> Arrived:
        return await _let_in(work, parts, finished=finished, arrival=arrival)

    return await parts.works.run(site, body, actor=arrival.callback.actor)


def find_sign_in_provider(parts: Parts, provider: str, config: Mapping[str, Any]) -> Provider:
    """Return a provider that people can sign in with.

    Raises:
        NotFound: ``provider_unknown``.
    """
    found = parts.registry.find(provider, config)
    if found is None:
        raise NotFound("provider_unknown", "There is no such provider here.")
    return found


def callback_uri(site: Site, provider: str) -> str:
    """Return the sign-in callback of a provider: its own, apart from connect's."""
    return f"{site.issuer}/api/v1/auth/oauth2/{provider}/callback"


def provider_buttons(parts: Parts) -> ListProviders:
    """Return what tells the sign-in page which providers the tenant offers."""

    async def buttons(work: Work) -> list[ProviderButton]:
        found = []
        for record in await list_upstream_clients(work):
            provider = parts.registry.find(record.provider, record.config)
            if provider is not None and record.state == "enabled":
                found.append(ProviderButton(record.provider, provider.title))
        return found

    return buttons


async def _let_in(work: Work, parts: Parts, *, finished: Finished, arrival: Arrival) -> Arrived:
    user = await _person(work, parts, finished)
    underway = Underway(
        user_id=user.id,
        amr=(FEDERATED,),
        user_agent=arrival.user_agent,
        session_id=arrival.session_id,
    )
    outcome = await go_on(work, underway=underway, user=user)
    return Arrived(outcome=outcome, continue_path=str(finished.detail["continue"]))


async def _person(work: Work, parts: Parts, finished: Finished) -> User:
    identity, provider = finished.identity, finished.client.provider
    user_id = await find_user_of(work, identity=identity)
    if user_id is None:
        return await _create(work, parts, identity=identity, provider=provider)
    user = await hold_active_user(work, user_id)
    if user is None:
        raise NotPermitted("account_not_active", "This account can't sign in.")
    return user


async def _create(work: Work, parts: Parts, *, identity: ExternalIdentity, provider: str) -> User:
    claims = {"name": identity.name} if identity.name else {}
    if parts.hooks is not None:
        about = {"email": identity.email, "claims": claims, "by": provider}
        await parts.hooks.ask(work, "before_sign_up", about)
    user = await create_from_provider(
        work, email=identity.email, email_verified=identity.email_verified, claims=claims
    )
    if user is None:
        raise Conflict(
            "account_exists",
            "There is an account with this e-mail address already. Sign in to it the way you "
            "did before; you can link this provider to it from there.",
        )
    if not await link_identity(work, identity=identity, user_id=user.id, provider=provider):
        # The same person, twice at once: the other one was first, and its account is theirs.
        raise Conflict("sign_in_again", "Please sign in again.")
    return user

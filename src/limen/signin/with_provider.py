"""Sign in with an account at a provider, or link one: away to it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from limen.access.require import check_recent
from limen.db.work import Work
from limen.federation.begin import Flow, begin
from limen.federation.finish import Callback, Finished, finish
from limen.federation.parts import Parts
from limen.federation.provider import Ask, Provider
from limen.federation.upstream_clients import get_upstream_client, list_upstream_clients
from limen.kernel.errors import Conflict, NotFound, NotPermitted, Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.signin.parts import ListProviders, ProviderButton
from limen.signin.provider.link import link
from limen.signin.provider.prove_mailbox import ProofNeeded, ask_for_proof
from limen.signin.provider.proven import FEDERATED, Proven, proven_by
from limen.signin.provider.rules import check_offered
from limen.signin.provider.settle import AddressTaken, settle, whose_address
from limen.signin.provider.ticket import FrontEnd, check_front_end, error_url, issue_ticket
from limen.signin.steps.enter import go_on
from limen.signin.steps.underway import Entered, Underway, Waiting
from limen.tenants import policy_of

_CONTINUE: Final = "continue"


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


@dataclass(frozen=True, slots=True)
class Linked:
    """An account elsewhere signs its person in from now on."""


@dataclass(frozen=True, slots=True)
class SentOn:
    """A front end of another origin goes on with a ticket, at this URL."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What a callback ended with.

    Args:
        continue_path: Where they were going.
    """

    outcome: Entered | Waiting | ProofNeeded | Linked | SentOn
    continue_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A browser about to leave for a provider.

    Args:
        raw_browser: The secret its cookie will hold: only it can come back.
        continue_path: Where it goes after signing in; checked before.
        front_end: Who waits for it instead, if somebody does.
        links: Whether it adds a way in to the account of whoever is signed in.
    """

    provider: str
    raw_browser: Secret[str]
    continue_path: str
    front_end: FrontEnd | None = None
    links: bool = False


async def begin_sign_in(work: Work, parts: Parts, *, departure: Departure) -> str:
    """Return the provider's URL.

    Raises:
        NotFound: ``provider_unknown``.
        NotPermitted: ``provider_disabled`` (N126); ``browser_session_required``.
        ReauthenticationRequired: ``reauth_required``: to link takes a recent sign-in.
        InvalidInput: As ``check_front_end``.
    """
    check_offered(work, departure.provider)
    detail: dict[str, Any] = {_CONTINUE: departure.continue_path}
    if departure.front_end is not None:
        check_front_end(work, departure.front_end)
        detail["front_end"] = departure.front_end.to_json()
    if departure.links:
        detail["link"] = _linker(work)
    client = await get_upstream_client(work, parts.envelope, provider=departure.provider)
    provider = find_sign_in_provider(parts, departure.provider, client.config)
    keeps = policy_of(work).sign_in.rules(departure.provider).keep_access
    flow = Flow(
        provider=provider,
        client=client,
        ask=Ask(purpose="sign_in", scopes=provider.sign_in_scopes, needs_refresh_token=keeps),
        redirect_uri=callback_uri(work.site, departure.provider),
        raw_browser=departure.raw_browser,
        detail=detail,
    )
    return await begin(work, parts, flow=flow)


async def finish_sign_in(parts: Parts, site: Site, *, arrival: Arrival) -> Arrived:
    """Begin a session for whoever the provider proved, in a new account if need be.

    Raises:
        MalformedRequest, ProviderUnavailable: As ``federation.finish``; a front end that waits
            for the browser is told of them instead, once the journey is this browser's.
        NotPermitted: As ``settle``; ``link_other_session``: somebody else is signed in by now.
        Conflict: ``identity_in_use``, ``sign_in_again``, ``account_exists``.
    """

    def find(provider: str, config: Mapping[str, Any]) -> Provider:
        return find_sign_in_provider(parts, provider, config)

    begun: dict[str, Any] = {}
    try:
        finished = await finish(
            parts, site, callback=arrival.callback, find_provider=find, taken=begun.update
        )
    except Refusal as refusal:
        return await _sent_back(parts, site, begun=begun, refusal=refusal)

    async def body(work: Work) -> Arrived:
        return await _arrive(work, parts, finished=finished, arrival=arrival)

    return await parts.works.run(site, body, actor=arrival.callback.actor)


async def needs_proof(work: Work, parts: Parts, *, proven: Proven) -> ProofNeeded | None:
    """Say whether a mailbox has to be proven first, and remember the sign-in if so.

    Raises:
        NotPermitted, Conflict: As ``settle``.
    """
    taken = await whose_address(work, proven=proven)
    if taken is None:
        return None
    return await ask_for_proof(work, parts, proven=proven, taken=taken, detail={})


async def let_in(
    work: Work, parts: Parts, *, proven: Proven, underway: Underway
) -> Entered | Waiting:
    """Let in whoever has an account elsewhere that no mailbox has to be proven for.

    Args:
        work: Nothing written in it yet.
        parts: Federation's.
        proven: The account.
        underway: What is known of the sign-in; of whom, this finds out.

    Raises:
        NotPermitted, Conflict: As ``settle``; ``sign_in_again``: the address was taken just now.
    """
    person = await settle(work, parts, proven=proven)
    if isinstance(person, AddressTaken):
        raise Conflict("sign_in_again", "Please sign in again.")
    return await go_on(work, underway=replace(underway, user_id=person.id), user=person)


def find_sign_in_provider(parts: Parts, provider: str, config: Mapping[str, Any]) -> Provider:
    """Return a provider that people can sign in with.

    Raises:
        NotFound: ``provider_unknown``; also of one that is incomplete.
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
            offered = policy_of(work).sign_in.offers(record.provider)
            is_usable = record.state == "enabled" and record.is_registered
            if provider is not None and is_usable and offered:
                found.append(
                    ProviderButton(
                        record.provider, provider.title, "failing" if record.incident else "ok"
                    )
                )
        return found

    return buttons


async def _arrive(work: Work, parts: Parts, *, finished: Finished, arrival: Arrival) -> Arrived:
    proven, path = proven_by(finished), str(finished.detail[_CONTINUE])
    front_end = FrontEnd.of(finished.detail)
    linker = finished.detail.get("link")
    if linker is not None:
        _check_same(work, linker)
        await link(work, parts, proven=proven, user_id=work.actor.id)
        return Arrived(outcome=Linked(), continue_path=path)
    if front_end is not None:
        url = await issue_ticket(work, parts, proven=proven, front_end=front_end)
        return Arrived(outcome=SentOn(url), continue_path=path)
    taken = await whose_address(work, proven=proven)
    if taken is not None:
        needed = await ask_for_proof(
            work, parts, proven=proven, taken=taken, detail={_CONTINUE: path}
        )
        return Arrived(outcome=needed, continue_path=path)
    underway = Underway(
        user_id="",
        amr=(FEDERATED,),
        user_agent=arrival.user_agent,
        session_id=arrival.session_id,
    )
    outcome = await let_in(work, parts, proven=proven, underway=underway)
    return Arrived(outcome=outcome, continue_path=path)


async def _sent_back(
    parts: Parts, site: Site, *, begun: Mapping[str, Any], refusal: Refusal
) -> Arrived:
    """Tell a front end that waits what the provider answered; anybody else sees a page.

    Only of a journey that this browser began: a stranger's link sends nobody anywhere. The
    address is held against the tenant's policy once more.
    """
    front_end = FrontEnd.of(begun)
    if front_end is None:
        raise refusal

    async def body(work: Work) -> str:
        return error_url(work, front_end, code=refusal.code)

    url = await parts.works.run(site, body)
    return Arrived(outcome=SentOn(url), continue_path=str(begun[_CONTINUE]))


def _linker(work: Work) -> dict[str, str]:
    """Return who links; in a browser's own session, and not long after they signed in."""
    actor = work.actor
    if actor.kind != "user" or not actor.session_id or actor.scope is not None:
        raise NotPermitted("browser_session_required", "Linking goes on in a signed-in browser.")
    check_recent(work)
    return {"user_id": actor.id, "session_id": actor.session_id}


def _check_same(work: Work, linker: Mapping[str, str]) -> None:
    """Refuse to link for anybody but who began it, in the session they began it in (N115)."""
    actor = work.actor
    same = actor.kind == "user" and actor.scope is None
    if not (same and (actor.id, actor.session_id) == (linker["user_id"], linker["session_id"])):
        raise NotPermitted(
            "link_other_session",
            "You are not signed in as who began this. Sign in again and add the account anew.",
        )

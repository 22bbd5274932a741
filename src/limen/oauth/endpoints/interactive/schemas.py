"""What the interactions and consents API says and takes, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from limen.db.work import Work
from limen.federation.parts import Parts as FederationParts
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.authorization.asked import Missing, ShowSignIn
from limen.oauth.authorization.interaction import Waits, step_of
from limen.oauth.endpoints.interactive import words
from limen.oauth.model import Client, Consent
from limen.oauth.registry.logo import logo_url
from limen.protocol.responses import AuthorizationResponse
from limen.signin.endpoints.provider_sign_in import SignInProviderModel, list_sign_in_providers
from limen.signin.endpoints.step_answers import TermsShape
from limen.signin.journey import Step
from limen.signin.with_provider import provider_buttons
from limen.tenants.policies.assurance import Terms

_Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClientView(BaseModel):
    """Who asks, as a person should see it.

    ``logo_url`` is our copy of its logo; ``logo_uri`` is where the client shows it itself, and
    would tell the client who is looking.
    """

    client_id: str
    name: str
    verified: bool
    host: str = ""
    client_uri: str | None = None
    logo_uri: str | None = None
    logo_url: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None


class ScopeView(BaseModel):
    """One scope, with words for a person."""

    scope: str
    text: str


class FormPost(BaseModel):
    """A form the browser has to send to the client (response modes ``form_post``)."""

    action: str
    fields: dict[str, str]


class Waiting(BaseModel):
    """An interaction that waits for a person; ``status`` says for what.

    ``providers``: with ``sign_in``, who else vouches for people here. Send the browser to
    ``start_url`` with ``return_to``, ``code_challenge`` and ``state``; the ticket that comes back
    goes to ``ticket``.
    """

    status: Waits
    id: str
    client: ClientView
    scopes: list[ScopeView]
    authorization_details: list[dict[str, Any]] | None = None
    resource: str
    destination: str
    warning: str = ""
    login_hint: str | None = None
    user_id: str | None = None
    terms: TermsShape | None = None
    providers: list[SignInProviderModel] | None = None
    recovery_codes: list[str] | None = None
    expires_at: dt.datetime


class Complete(BaseModel):
    """The end: where the browser goes with the answer, be it a code or an error."""

    status: Literal["complete"] = "complete"
    redirect_to: str | None = None
    recovery_codes: list[str] | None = None
    form_post: FormPost | None = None


class EnrolmentView(BaseModel):
    """What an authenticator app needs; shown once."""

    factor_id: str
    secret: str
    uri: str


class Credentials(_Read):
    """What a person signs in with."""

    email: _Text
    password: SecretStr = Field(min_length=1, max_length=1024)


class ConsentBody(_Read):
    """A consent given ahead.

    ``user_id`` is whose it is, if not the caller's own; ``scope`` as in an authorization
    request; ``resource`` the API it is for, the client's default if absent.
    """

    client_id: _Text
    scope: _Text
    resource: _Text | None = None
    user_id: _Text | None = None


class ConsentView(BaseModel):
    """What the user lets a client do."""

    id: str
    client: ClientView
    resource: str
    scopes: list[str]
    remembered: bool
    granted_at: dt.datetime


class ConsentList(BaseModel):
    """All that the user agreed to."""

    items: list[ConsentView]


def client_view(client: Client, site: Site) -> ClientView:
    """Describe a client to a person of its tenant."""
    metadata = client.metadata
    return ClientView(
        client_id=client.client_id,
        name=client.name,
        verified=client.verified,
        host=client.document_host,
        client_uri=metadata.client_uri,
        logo_uri=metadata.logo_uri,
        logo_url=logo_url(site, client),
        policy_uri=metadata.policy_uri,
        tos_uri=metadata.tos_uri,
    )


def waiting(
    raw_handle: Secret[str],
    *,
    site: Site,
    missing: Missing,
    until: dt.datetime,
    step: Step | None = None,
    terms: Terms | None = None,
) -> Waiting:
    """Describe what an interaction waits for, and until when.

    Args:
        raw_handle: Of the interaction.
        site: The tenant's place.
        missing: What is missing to a code.
        until: When the interaction is over.
        step: What who is on the way in has to pass before that.
        terms: The tenant's, where they are to be accepted.
    """
    status = step or step_of(missing)
    asked = missing.asked
    redirect_uri = asked.to.redirect.uri
    return Waiting(
        status=status,
        id=raw_handle.reveal(),
        client=client_view(asked.client, site),
        scopes=[
            ScopeView(scope=scope, text=words.scope_text(scope, resource=asked.resource))
            for scope in asked.agreed_scope
        ],
        authorization_details=[dict(detail) for detail in asked.details] or None,
        resource=asked.resource.identifier,
        destination=str(words.destination(redirect_uri)),
        warning=str(words.warning(asked.client, redirect_uri=redirect_uri) or ""),
        login_hint=asked.request.login_hint,
        user_id=None if isinstance(missing, ShowSignIn) else missing.who.user_id,
        terms=None
        if terms is None or status != "accept_terms"
        else TermsShape(version=terms.version, url=terms.url),
        expires_at=until,
    )


async def with_providers(
    work: Work, told: Waiting, *, federation: FederationParts | None
) -> Waiting:
    """Add who else vouches for people, where somebody is to sign in."""
    if told.status != "sign_in" or federation is None:
        return told
    providers = await list_sign_in_providers(work, provider_buttons(federation))
    return told.model_copy(update={"providers": providers})


def complete(answer: AuthorizationResponse) -> Complete:
    """Describe the answer to a client, for the browser to carry."""
    if answer.is_form:
        return Complete(form_post=FormPost(action=answer.redirect.uri, fields=dict(answer.pairs)))
    return Complete(redirect_to=answer.location())


def consent_view(consent: Consent, client: Client, site: Site) -> ConsentView:
    """Describe a consent to whoever gave it."""
    return ConsentView(
        id=consent.id,
        client=client_view(client, site),
        resource=consent.resource,
        scopes=list(consent.scopes),
        remembered=consent.remembered,
        granted_at=consent.granted_at,
    )

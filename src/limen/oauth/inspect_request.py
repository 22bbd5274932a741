"""Run the checks of a request and tell the outcome of each; nothing of it lasts.

For operators who want to know why a client is refused. The very checks of the endpoints run,
in a Work that is rolled back: a code is not used up, a refusal is not recorded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from limen.db.work import Work, Works
from limen.kernel.errors import OAuthRefusal, Refusal
from limen.kernel.site import Site
from limen.oauth.authorization.address import address_of
from limen.oauth.authorization.asked import Asked, Desk
from limen.oauth.authorization.checks import CHECKS
from limen.oauth.authorization.sent import read_sent
from limen.oauth.caller import Caller
from limen.oauth.client_authentication.authenticate import authenticate_client
from limen.oauth.client_authentication.presented import Presented
from limen.oauth.endpoints.token import GRANTS
from limen.oauth.granted import Granted
from limen.oauth.model import Client, Resource
from limen.oauth.parts import Parts
from limen.oauth.resources import issuer_resource
from limen.protocol.authorization_request import parse_authorization_request
from limen.protocol.client_authentication import (
    AssertionCredentials,
    Credentials,
    NamedCredentials,
    SecretCredentials,
    parse_client_credentials,
)
from limen.protocol.client_metadata import AuthMethod
from limen.protocol.params import Params
from limen.protocol.scopes import parse_scope
from limen.protocol.token_request import parse_token_request
from limen.tenants.policy_of import policy_of

_METHODS: Final[Mapping[type[Credentials], tuple[AuthMethod, ...]]] = {
    SecretCredentials: ("client_secret_basic", "client_secret_post"),
    AssertionCredentials: ("private_key_jwt", "client_secret_jwt"),
    NamedCredentials: ("none", "tls_client_auth", "self_signed_tls_client_auth"),
}
Outcome = Literal["passes", "refused", "not reached"]
_TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 -- an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: Its name in words.
        code: The error the client would get; empty if it passes.
        reason: What the client would read, and what the log would say beside it; of a check
            that passes, what it leaves out.
    """

    check: str
    outcome: Outcome
    code: str = ""
    reason: str = ""


class _Inspected(Exception):  # noqa: N818 -- ends the Work without a trace; nothing went wrong
    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings


class _Findings(list[Finding]):
    """Collects outcomes; after one that others build on, the rest is not reached."""

    async def step(self, check: str, run: Callable[[], Awaitable[str | None]]) -> bool:
        """Run one check, which may return a remark; say whether it passed."""
        try:
            remark = await run()
        except Refusal as refusal:
            reason = " ".join(text for text in (refusal.public, _in_brackets(refusal)) if text)
            self.append(Finding(check=check, outcome="refused", code=refusal.code, reason=reason))
            return False
        self.append(Finding(check=check, outcome="passes", reason=remark or ""))
        return True

    def skip(self, *checks: str) -> None:
        """Note what could not be looked at."""
        self.extend(Finding(check=check, outcome="not reached") for check in checks)


async def inspect_authorization(
    works: Works, site: Site, *, parts: Parts, client_id: str, params: Params
) -> list[Finding]:
    """Tell what the authorization endpoint thinks of a request.

    Args:
        works: The Work it runs in is rolled back.
        site: The tenant.
        parts: Of the server.
        client_id: The client that is looked at; the request may leave it out.
        params: The request's query.
    """

    async def body(work: Work, findings: _Findings) -> None:
        await _authorization(work, findings, parts=parts, client_id=client_id, params=params)

    return await _without_trace(works, site, body)


async def inspect_token_request(
    works: Works,
    site: Site,
    *,
    parts: Parts,
    client_id: str,
    params: Params,
    authorization: str | None = None,
) -> list[Finding]:
    """Tell what the token endpoint thinks of a request; its sender's key is not looked at.

    Args:
        works: The Work it runs in is rolled back.
        site: The tenant.
        parts: Of the server.
        client_id: The client that is looked at; the request may leave it out.
        params: The form.
        authorization: The request's ``Authorization`` header.
    """

    async def body(work: Work, findings: _Findings) -> None:
        presented = Presented(
            authorization=authorization,
            params=params if authorization else _with_client(params, client_id),
            certificate=None,
            path=_TOKEN_PATH,
            remember=_remember_nothing,
        )
        await _token(work, findings, parts=parts, client_id=client_id, presented=presented)

    return await _without_trace(works, site, body)


async def _without_trace(
    works: Works, site: Site, body: Callable[[Work, _Findings], Awaitable[None]]
) -> list[Finding]:
    async def rolled_back(work: Work) -> None:
        findings = _Findings()
        await body(work, findings)
        raise _Inspected(findings)

    try:
        await works.run(site, rolled_back)
    except _Inspected as inspected:
        return inspected.findings
    raise AssertionError("an inspection ends in its findings")


async def _authorization(
    work: Work, findings: _Findings, *, parts: Parts, client_id: str, params: Params
) -> None:
    found: list[Client] = []
    asked: list[Asked] = []
    later = [_name(check) for check in CHECKS]

    async def known() -> None:
        found.append(await _known(work, parts, client_id))
        if params.one("client_id") not in {None, client_id}:
            raise OAuthRefusal("invalid_client", "The request names another client.")

    async def addressed() -> None:
        counted = await read_sent(
            work, params=_with_client(params, client_id), client=found[0], desk=parts.desk
        )
        to = await address_of(work, client=found[0], counted=counted, desk=parts.desk)
        request = parse_authorization_request(to.params)
        asked.append(Asked(to=to, request=request, resource=issuer_resource(work.site)))

    if not await findings.step("known client", known):
        findings.skip("redirect URI and form", *later)
        return
    if not await findings.step("redirect URI and form", addressed):
        findings.skip(*later)
        return
    for check in CHECKS:
        await findings.step(
            _name(check), partial(_run, check, asked[0], work=work, desk=parts.desk)
        )


async def _run(
    check: Callable[[Work, Asked, Desk], Awaitable[None]], asked: Asked, *, work: Work, desk: Desk
) -> str:
    """Run one of ``CHECKS``; remark on what it dropped of the scope, if it set it."""
    before = asked.scope
    await check(work, asked, desk)
    if asked.scope == before:
        return ""
    return _dropped(asked.request.scope, asked.scope, client=asked.client, resource=asked.resource)


@dataclass(slots=True)
class _TokenCase:
    """A token request on its way through the steps of the endpoint."""

    work: Work
    parts: Parts
    client_id: str
    presented: Presented
    client: Client

    async def method(self) -> None:
        presented = self.presented
        credentials = parse_client_credentials(presented.authorization, presented.params)
        fitting = _METHODS[type(credentials)]
        # A service account may have secrets and keys; which of them it has shows in the next step.
        if not self.client.is_service_account and self.client.auth_method not in fitting:
            raise OAuthRefusal(
                "invalid_client",
                f"Registered for {self.client.auth_method}; the request shows"
                f" {' or '.join(fitting)}.",
            )

    async def authenticated(self) -> None:
        client = await authenticate_client(self.work, parts=self.parts, presented=self.presented)
        if client.client_id != self.client_id:
            raise OAuthRefusal("invalid_client", "The request is another client's.")

    async def form(self) -> None:
        parse_token_request(self.presented.params)

    async def registered(self) -> None:
        if not self.client.may_use(self.presented.params.required("grant_type")):
            raise OAuthRefusal("unauthorized_client", "Not registered for this grant_type.")

    async def granted(self) -> str:
        request = parse_token_request(self.presented.params)
        grant = GRANTS[type(request)]
        caller = Caller(client=self.client)
        given = await grant(self.work, parts=self.parts, caller=caller, request=request)
        if not isinstance(given, Granted):
            return ""
        return _dropped(
            parse_scope(self.presented.params.one("scope")),
            given.access.scope,
            client=self.client,
            resource=given.resource,
        )


async def _token(
    work: Work, findings: _Findings, *, parts: Parts, client_id: str, presented: Presented
) -> None:
    cases: list[_TokenCase] = []

    async def known() -> None:
        client = await _known(work, parts, client_id)
        cases.append(_TokenCase(work, parts, client_id, presented, client))

    if not await findings.step("known client", known):
        findings.skip(*_TOKEN_STEPS)
        return
    (case,) = cases
    for number, (name, step) in enumerate(_TOKEN_STEPS.items(), 1):
        if not await findings.step(name, partial(step, case)):
            findings.skip(*list(_TOKEN_STEPS)[number:])
            return


_TOKEN_STEPS: Final[Mapping[str, Callable[[_TokenCase], Awaitable[str | None]]]] = {
    "registered method": _TokenCase.method,
    "client authentication": _TokenCase.authenticated,
    "form": _TokenCase.form,
    "grant registered": _TokenCase.registered,
    "grant": _TokenCase.granted,
}


async def _known(work: Work, parts: Parts, client_id: str) -> Client:
    client = await parts.clients.find_presented(work, client_id)
    if client is None:
        raise OAuthRefusal("invalid_client", "There is no such client.")
    if client.is_disabled:
        raise OAuthRefusal("invalid_client", "The client is disabled.")
    if client.held_back:
        profile = policy_of(work).profile
        raise OAuthRefusal("invalid_client", f"The tenant keeps to {profile}: {client.held_back}.")
    return client


async def _remember_nothing(_client_id: str, _jti: str, _until: dt.datetime) -> bool:
    """Take every assertion for new: it shall be usable afterwards."""
    return True


def _with_client(params: Params, client_id: str) -> Params:
    if "client_id" in params:
        return params
    return Params([*params.pairs, ("client_id", client_id)])


def _dropped(
    requested: tuple[str, ...] | None,
    granted: tuple[str, ...],
    *,
    client: Client,
    resource: Resource,
) -> str:
    """Say which scopes are left out of the answer, and why."""
    left_out = [scope for scope in requested or () if scope not in granted]
    not_its_own = [scope for scope in left_out if scope not in client.scope]
    others = [scope for scope in left_out if scope in client.scope]
    told = []
    if not_its_own:
        told.append(f"Dropped, for the client is not registered for it: {' '.join(not_its_own)}.")
    if others:
        where = resource.identifier
        told.append(f"Dropped, for the client may not have it at {where}: {' '.join(others)}.")
    return " ".join(told)


def _name(check: Callable[..., object]) -> str:
    return getattr(check, "__name__", "").strip("_").replace("_", " ")


def _in_brackets(refusal: Refusal) -> str:
    return f"({refusal.detail})" if refusal.detail else ""

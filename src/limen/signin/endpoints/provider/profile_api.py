"""``/api/v1/auth/oauth2/profile``, ``refresh``, ``revoke``: what providers say of one."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from limen.access.require import public, signed_in
from limen.db.work import Work
from limen.federation.parts import Parts as FederationParts
from limen.federation.profile.keep_access import forget_access
from limen.federation.profile.read import Said, choose_source, read_profile
from limen.sessions.revoke import revoke
from limen.signin.endpoints import browser, schemas
from limen.signin.endpoints.provider.schemas import (
    ProfileAnswer,
    ProfileBody,
    ProfileChange,
    ProviderProfile,
    UsedField,
)
from limen.signin.endpoints.step_answers import pair_answer, prove_sender
from limen.signin.parts import Parts
from limen.signin.token_pair import refresh_pair
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit


def routes(parts: Parts, federation: FederationParts, *, prefix: str) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix=f"{prefix}/auth/oauth2", tags=["auth"])
    _add_profile(router, federation)
    _add_tokens(router, parts)
    return router


def _add_profile(router: APIRouter, federation: FederationParts) -> None:
    @router.get("/profile", dependencies=[signed_in()])
    async def profile(work: CurrentWork) -> ProfileAnswer:
        """Show what is used of one's profile, where each field is from, and who says what."""
        return await _answer(work, federation)

    @router.put("/profile", dependencies=[signed_in()])
    async def change(work: CurrentWork, body: ProfileBody) -> ProfileAnswer:
        """Choose what fields follow: own words, nothing, or what a provider says."""
        for field in sorted(body.model_fields_set):
            choice = getattr(body, field)
            if choice is not None:
                await choose_source(
                    work,
                    federation.envelope,
                    user_id=work.actor.id,
                    field=field,
                    source=choice.source,
                    value=choice.value,
                )
        return await _answer(work, federation)


def _add_tokens(router: APIRouter, parts: Parts) -> None:
    guards = [
        public("who has the token is who it was given to"),
        Depends(browser.check_origin),
        Depends(limit("token")),
    ]

    @router.post("/refresh", dependencies=guards)
    async def refresh(
        request: Request, work: CurrentWork, body: schemas.RefreshBody
    ) -> schemas.TokenPairAnswer:
        """Exchange a refresh token for a new pair, as ``/api/v1/auth/refresh`` does."""
        bound_to = await prove_sender(request, work, parts=parts)
        raw = schemas.revealed(body.refresh_token)
        return pair_answer(
            await refresh_pair(work, mint=parts.mint, raw_refresh=raw, bound_to=bound_to)
        )

    @router.delete("/revoke", dependencies=[signed_in()], status_code=204)
    async def end(request: Request, work: CurrentWork) -> Response:
        """End this session with its tokens; give up the access kept from providers."""
        await forget_access(work, user_id=work.actor.id)
        response = Response(status_code=204)
        if work.actor.session_id:
            await revoke(work, session_id=work.actor.session_id, must_exist=False)
            if work.actor.scope is None:
                browser.send_away(response, request)
        return response


async def _answer(work: Work, federation: FederationParts) -> ProfileAnswer:
    shown = await read_profile(work, federation.envelope, user_id=work.actor.id)
    return ProfileAnswer(
        user_id=shown.user.id,
        email=shown.user.email,
        email_verified=shown.user.is_verified,
        used={
            name: UsedField(value=used.value, source=used.source, since=used.since)
            for name, used in shown.used.items()
        },
        own_picture_url=shown.own_picture_url,
        profiles=[_profile(said) for said in shown.said],
    )


def _profile(said: Said) -> ProviderProfile:
    return ProviderProfile(
        identity=said.id,
        provider=said.record.provider,
        provider_user_id=said.record.subject,
        email=said.words.email,
        email_verified=said.words.email_verified,
        name=said.words.name,
        avatar_url=said.words.picture,
        picture_url=said.picture_url,
        profile_data=dict(said.words.profile),
        last_sync=said.record.last_sync_at,
        changed_at=said.record.changed_at,
        history=[ProfileChange(at=at, before=dict(before)) for at, before in said.history],
    )

"""All routes of signing in with accounts elsewhere, as literals."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.routing import BaseRoute

from limen.accounts.profile.pictures import Encoder
from limen.federation.parts import Parts as FederationParts
from limen.signin.endpoints import provider_sign_in
from limen.signin.endpoints.provider import (
    identities_api,
    link_page,
    pictures,
    profile_api,
    prove_page,
    ticket_api,
)
from limen.signin.parts import Parts

PREFIX: Final = "/api/v1"


def routes(parts: Parts, federation: FederationParts, *, short_paths: bool) -> list[APIRouter]:
    """Return the JSON API.

    Args:
        parts: The way in.
        federation: The providers.
        short_paths: Whether it answers below ``/auth/oauth2`` too, for older applications.
    """
    return [
        provider_sign_in.routes(federation),
        *_json(parts, federation, prefix=PREFIX),
        *(_hidden(_json(parts, federation, prefix="")) if short_paths else ()),
        *(_hidden([provider_sign_in.routes(federation, prefix="")]) if short_paths else ()),
    ]


def pages(
    parts: Parts, federation: FederationParts, *, encoder: Encoder, short_paths: bool
) -> list[BaseRoute]:
    """Return what browsers visit, and pictures."""
    return [
        *provider_sign_in.pages(federation),
        *prove_page.pages(parts, federation),
        *link_page.pages(parts, federation),
        *pictures.pages(encoder, prefix=PREFIX),
        *(pictures.pages(encoder, prefix="") if short_paths else ()),
        *pictures.served(encoder),
    ]


def _json(parts: Parts, federation: FederationParts, *, prefix: str) -> list[APIRouter]:
    return [
        ticket_api.routes(parts, federation, prefix=prefix),
        identities_api.routes(federation, prefix=prefix),
        profile_api.routes(parts, federation, prefix=prefix),
    ]


def _hidden(routers: list[APIRouter]) -> list[APIRouter]:
    """Leave them out of the OpenAPI document: each stands there once, under its own path."""
    hidden = []
    for router in routers:
        outer = APIRouter(include_in_schema=False)
        outer.include_router(router)
        hidden.append(outer)
    return hidden

"""All routes of the way in, as two literals."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.routing import BaseRoute, Route

from limen.signin.endpoints import (
    auth_api,
    email_api,
    mfa_api,
    password_api,
    recover_pages,
    session_api,
    sign_in_page,
    sign_out_page,
    sign_up_page,
    step_page,
    steps_api,
    verify_page,
)
from limen.signin.endpoints.invitation import api as invitation_api
from limen.signin.endpoints.invitation import page as invitation_page
from limen.signin.parts import Parts


def routes(parts: Parts) -> APIRouter:
    """Return the JSON API under ``/api/v1/auth``."""
    router = APIRouter()
    for api in (auth_api, email_api, password_api, session_api, mfa_api, steps_api, invitation_api):
        router.include_router(api.routes(parts))
    return router


def hot_routes(parts: Parts) -> list[Route]:
    """Return those of the JSON API that are answered without FastAPI."""
    return auth_api.hot_routes(parts)


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the pages; without pages they answer 404."""
    return [
        *sign_in_page.pages(parts),
        *step_page.pages(parts),
        *sign_up_page.pages(parts),
        *invitation_page.pages(parts),
        *verify_page.pages(parts),
        *recover_pages.pages(parts),
        *sign_out_page.pages(parts),
    ]

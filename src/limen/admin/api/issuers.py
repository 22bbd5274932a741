"""``/api/v1/admin/trusted-issuers``: whose word about our users is taken."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.permissions import PROVIDERS_READ, PROVIDERS_WRITE
from limen.access.require import require
from limen.access.speak_for import check_may_speak_for
from limen.admin.paging import open_page, seal_page
from limen.admin.parts import Parts
from limen.admin.schemas import PageQuery
from limen.admin.token_schemas import (
    IssuerBody,
    IssuerPage,
    IssuerView,
    SubjectBody,
    SubjectPage,
    SubjectQuery,
    SubjectView,
    TrustBody,
)
from limen.oauth.trust.issuer import Trust
from limen.oauth.trust.link_subject import link_subject, list_linked_subjects, unlink_subject
from limen.oauth.trust.trust_issuer import (
    change_trust,
    end_trust,
    get_trusted_issuer,
    list_trusted_issuers,
    trust_issuer,
)
from limen.web.deps import CurrentWork

_IssuerId = Annotated[str, Path(max_length=64)]
_READ = [require(PROVIDERS_READ)]
_WRITE = [require(PROVIDERS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/trusted-issuers", tags=["admin: trusted issuers"], route_class=kind)

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[PageQuery, Query()]) -> IssuerPage:
        """List the issuers whose assertions are taken."""
        place = ("trusted issuers",)
        after = await open_page(work, parts.envelope, cursor=page.cursor, place=place)
        found = await list_trusted_issuers(work, after=after, limit=page.limit + 1)
        shown = found[: page.limit]
        last = shown[-1].id if len(found) > page.limit else ""
        cursor = await seal_page(work, parts.envelope, last=last, place=place)
        return IssuerPage(issuers=[IssuerView.of(each) for each in shown], next_cursor=cursor)

    @router.post("", status_code=201, dependencies=_WRITE)
    async def trust(work: CurrentWork, body: IssuerBody) -> IssuerView:
        """Begin to trust an issuer, as far as is said."""
        believed = Trust.read(body.trust)
        trusted = await trust_issuer(work, net=parts.net, issuer=body.issuer, trust=believed)
        return IssuerView.of(trusted)

    @router.get("/{issuer_id}", dependencies=_READ)
    async def show(work: CurrentWork, issuer_id: _IssuerId) -> IssuerView:
        """Show one."""
        return IssuerView.of(await get_trusted_issuer(work, issuer_id=issuer_id))

    @router.put("/{issuer_id}", dependencies=_WRITE)
    async def change(work: CurrentWork, issuer_id: _IssuerId, body: TrustBody) -> IssuerView:
        """Replace what is believed of an issuer."""
        believed = Trust.read(body.trust)
        changed = await change_trust(work, net=parts.net, issuer_id=issuer_id, trust=believed)
        return IssuerView.of(changed)

    @router.delete("/{issuer_id}", status_code=204, dependencies=_WRITE)
    async def end(work: CurrentWork, issuer_id: _IssuerId) -> None:
        """Believe an issuer no more."""
        await end_trust(work, issuer_id=issuer_id)

    _add_subjects(router, parts)
    return router


def _add_subjects(router: APIRouter, parts: Parts) -> None:
    @router.get("/{issuer_id}/subjects", dependencies=_READ)
    async def subjects(
        work: CurrentWork, issuer_id: _IssuerId, page: Annotated[PageQuery, Query()]
    ) -> SubjectPage:
        """List whom an issuer's subjects stand for."""
        place = ("trusted subjects", issuer_id)
        after = await open_page(work, parts.envelope, cursor=page.cursor, place=place)
        found = await list_linked_subjects(
            work, issuer_id=issuer_id, after=after, limit=page.limit + 1
        )
        shown = found[: page.limit]
        last = shown[-1].subject if len(found) > page.limit else ""
        cursor = await seal_page(work, parts.envelope, last=last, place=place)
        return SubjectPage(subjects=[SubjectView.of(each) for each in shown], next_cursor=cursor)

    @router.post("/{issuer_id}/subjects", status_code=204, dependencies=_WRITE)
    async def link(work: CurrentWork, issuer_id: _IssuerId, body: SubjectBody) -> None:
        """Say whom a subject stands for: nobody whose roles one could not give."""
        await check_may_speak_for(work, principal_id=body.user_id)
        await link_subject(work, issuer_id=issuer_id, subject=body.subject, user_id=body.user_id)

    @router.delete("/{issuer_id}/subjects", status_code=204, dependencies=_WRITE)
    async def unlink(
        work: CurrentWork, issuer_id: _IssuerId, which: Annotated[SubjectQuery, Query()]
    ) -> None:
        """Let a subject stand for nobody."""
        await unlink_subject(work, issuer_id=issuer_id, subject=which.subject)

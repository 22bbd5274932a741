from __future__ import annotations

from pathlib import Path

from tests.standings import Plan, copied, standing


async def test_older_applications_find_what_they_know(prepared: Path, tmp_path: Path) -> None:
    plan = Plan(
        folder=tmp_path,
        database_url=copied(prepared, tmp_path),
        environment={"LIMEN_WEB_SHORT_OAUTH2_PATHS": "true"},
    )
    async with standing(plan) as limen:
        person = await limen.person(role="admin")
        pair = await limen.login(person)
        raw = pair["access_token"]
        listed = await limen.api.fetch("GET", "/auth/oauth2/providers")
        assert "google" in [each["id"] for each in listed.json()["items"]]
        shown = await person.api("GET", "/auth/oauth2/profile", raw)
        assert shown.json()["user_id"] == person.id
        named = {"name": {"source": "own", "value": "Ada"}}
        changed = await person.api("PUT", "/auth/oauth2/profile", raw, named)
        assert changed.json()["used"]["name"]["value"] == "Ada"
        sent = {"refresh_token": pair["refresh_token"]}
        renewed = await limen.api.fetch("POST", "/auth/oauth2/refresh", body=sent)
        assert renewed.json()["token_type"] == "Bearer"
        for noun in ("users", "tokens", "stats", "audit"):
            page = await person.api("GET", f"/admin/oauth2/{noun}", raw)
            assert page.status == 200, page.text
        described = (await limen.api.fetch("GET", "/openapi.json")).json()["paths"]
        assert not [path for path in described if path.startswith(("/auth/", "/admin/"))]
        ended = await person.api("DELETE", "/auth/oauth2/revoke", raw)
        assert ended.status == 204
        assert (await person.api("GET", "/auth/oauth2/profile", raw)).status == 401


async def test_nobody_else_has_them(prepared: Path, tmp_path: Path) -> None:
    plan = Plan(folder=tmp_path, database_url=copied(prepared, tmp_path))
    async with standing(plan) as limen:
        for path in ("/auth/oauth2/providers", "/admin/oauth2/users"):
            assert (await limen.api.fetch("GET", path)).status == 404

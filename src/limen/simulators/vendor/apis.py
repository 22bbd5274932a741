"""A few calls of the vendors' APIs, which answer to access tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.key_entry import KeyEntry
from limen.simulators import wire
from limen.simulators.misbehave import Stage, answer
from limen.simulators.state import Account, State, Token
from limen.simulators.vendor.audience import places_of
from limen.simulators.vendor.by_key import by_key, machine
from limen.simulators.vendor.habits_of import bot_id, notion_person

Tell = Callable[[Account, Token], dict[str, Any]]
_GOOGLE: Final = "https://www.googleapis.com/auth/"


class Apis:
    """Answer API calls; any path answers something, so that a client has somewhere to go."""

    def __init__(self, entry: Entry | KeyEntry, stage: Stage) -> None:
        self._entry = entry
        self._stage = stage

    async def any(self, request: Request) -> Response:
        """Answer a call of the API with what it was and for whom."""
        path = f"/{request.path_params['path']}"
        body = await request.body()
        name, needs, tell = _CALLS.get((self._entry.id, path), ("api", frozenset(), None))

        def perform(state: State) -> Response:
            token = self._live(state, self._presented(request)) or by_key(
                state, request, self._entry.credentials, now=self._stage.now(state)
            )
            if token is None:
                return _refused(401, "invalid_token")
            if not self._is_for(path, token):
                return _refused(401, "invalid_token", "The token is for another audience.")
            missing = [
                name
                for name, value in self._entry.api.headers.items()
                if name != "Accept" and not request.headers.get(name)
            ]
            if missing:
                return _refused(400, "missing_version", f"{missing[0]} header should be defined.")
            if needs and not needs & set(token.scopes):
                return _refused(403, "insufficient_scope")
            account = state.accounts.get(token.sub) or machine(token.sub)
            if tell is not None:
                return JSONResponse(tell(account, token))
            told = {"method": request.method, "path": path, "account": account.sub}
            return JSONResponse({**told, "query": str(request.url.query), "bytes": len(body)})

        return await answer(self._stage, name, perform)

    def _is_for(self, path: str, token: Token) -> bool:
        """Say whether a token is for the resource that a path is of."""
        entry = self._entry
        if not isinstance(entry, Entry) or not entry.resources:
            return True
        places = list(places_of(entry, token.scopes) or {""})
        of = next((name for start, name in _WHERE if path.startswith(start)), "")
        wanted = entry.resources[of].identifier if of else ""
        return places == [wanted] or ("{" in wanted and "sharepoint" in places[0])

    def _presented(self, request: Request) -> str:
        rule = self._entry.api
        raw = request.headers.get(rule.header, "")
        prefix = rule.prefix.strip().lower()
        if not raw.lower().startswith(prefix):
            return wire.bearer(request)
        return raw[len(prefix) :].strip()

    def _live(self, state: State, raw: str) -> Token | None:
        token = state.access.get(raw)
        if token is None or (token.expires_at and token.expires_at <= self._stage.now(state)):
            return None
        return token


def _refused(status: int, code: str, message: str = "The token does not allow this.") -> Response:
    body = {"error": {"code": status, "status": code, "message": message}, "code": code}
    headers = {"WWW-Authenticate": f'Bearer error="{code}"'} if status in {401, 403} else {}
    return JSONResponse(body, status, headers=headers)


def _calendars(account: Account, _: Token) -> dict[str, Any]:
    mine = {"id": account.email, "summary": f"{account.name}'s calendar", "primary": True}
    return {"kind": "calendar#calendarList", "items": [mine]}


def _files(account: Account, _: Token) -> dict[str, Any]:
    mine = {"id": f"file-{account.sub}", "name": "Notes", "mimeType": "text/plain"}
    return {"kind": "drive#fileList", "files": [mine]}


def _bot(account: Account, token: Token) -> dict[str, Any]:
    owner = {"type": "user", "user": notion_person(account)}
    bot = {"owner": owner, "workspace_name": account.workspace_name}
    return {"object": "user", "type": "bot", "id": bot_id(token.client_id, account), "bot": bot}


def _pages(account: Account, _: Token) -> dict[str, Any]:
    page = {"object": "page", "id": f"page-{account.sub}", "url": "https://notion.example/notes"}
    return {"object": "list", "results": [page], "has_more": False, "next_cursor": None}


def _me(account: Account, _: Token) -> dict[str, Any]:
    return {"id": account.sub, "displayName": account.name, "mail": account.email}


def _whose(account: Account, _: Token) -> dict[str, Any]:
    return {"ok": True, "user": account.name, "user_id": account.sub.rpartition(":")[2]}


_WHERE: Final = (("/api/v2.0/", "outlook"), ("/_api/", "sharepoint"))
"""Which paths are of other resources than Microsoft Graph: here all have one host."""

_CALLS: Final[Mapping[tuple[str, str], tuple[str, frozenset[str], Tell]]] = {
    ("google", "/calendar/v3/users/me/calendarList"): (
        "calendar",
        frozenset({f"{_GOOGLE}calendar", f"{_GOOGLE}calendar.readonly"}),
        _calendars,
    ),
    ("google", "/drive/v3/files"): (
        "drive",
        frozenset({f"{_GOOGLE}{name}" for name in ("drive", "drive.file", "drive.readonly")}),
        _files,
    ),
    ("notion", "/v1/users/me"): ("me", frozenset(), _bot),
    ("notion", "/v1/search"): ("search", frozenset(), _pages),
    ("microsoft", "/v1.0/me"): ("me", frozenset(), _me),
    ("microsoft", "/api/v2.0/me"): ("me", frozenset(), _me),
    ("slack", "/api/auth.test"): ("me", frozenset(), _whose),
    ("slack-bot", "/api/auth.test"): ("me", frozenset(), _whose),
}

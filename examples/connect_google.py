"""A calendar of the person's own, read with their connected Google account.

    python examples/connect_google.py

Then open http://localhost:8003/auth/sign-up, and after signing in http://localhost:8003/calendar.
Google is the simulated one; with a client of yours (``limen provider set google …``) it is Google,
and ``API`` is ``https://www.googleapis.com``.
"""

from pathlib import Path
from typing import Annotated, Any

import httpx2
import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import RedirectResponse, Response

from limen import Limen, Settings
from limen.client import FeatureMissing, NotShared, ReauthRequired, Way
from limen.client.httpx2_auth import ConnectionAuth

FEATURE = "calendar_read"


def build(*, port: int = 8003, data_dir: Path = Path("var/connect-google")) -> FastAPI:
    """Return the application."""
    api = f"http://localhost:{port}/auth/dev/providers/google"
    app = FastAPI(title="A calendar")
    limen = Limen(
        Settings(
            environment="development",
            base_url=f"http://localhost:{port}/auth",
            port=port,
            data_dir=data_dir,
        )
    )
    limen.mount(app, path="/auth")
    connections = limen.connections

    @app.get("/calendar")
    async def calendar(user: Annotated[Any, Depends(limen.current_user)]) -> Any:
        auth = ConnectionAuth(connections, user, "google", at=api, feature=FEATURE)
        try:
            async with httpx2.AsyncClient(auth=auth) as google:
                answer = await google.get(f"{api}/calendar/v3/users/me/calendarList")
        except NotShared:
            return go(await connections.connect(user, "google", features=[FEATURE]))
        except FeatureMissing as missing:
            return go(await missing.activate())
        except ReauthRequired as ended:
            return go(await ended.reconnect())
        return answer.json()["items"]

    return app


def go(way: Way) -> Response:
    """Send the person's browser on."""
    return RedirectResponse(way.url or "/calendar", status_code=303)


if __name__ == "__main__":
    uvicorn.run(build(), port=8003)

"""A host with users, sessions, roles and an audit table of its own, on its own engine.

    python examples/embed_own_users.py

The host signs people in (``POST /login?name=ada``); Limen takes its word through ``identify``, so
clients get tokens for the host's users without a second account. Each event of Limen's is
written to the host's ``audit_actions`` in the same transaction.
"""

import secrets
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response

from limen import HostUser, Limen, Settings

USERS = {
    "ada": HostUser(id="1", email="ada@host.example", email_verified=True, roles=("admin",)),
    "bob": HostUser(id="2", email="bob@host.example", claims={"name": "Bob"}, roles=()),
}
metadata = sa.MetaData()
audit_actions = sa.Table(
    "audit_actions",
    metadata,
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
)
ADD_ACTION = sa.insert(audit_actions)


def build(*, port: int = 8002, data_dir: Path = Path("var/own-users")) -> FastAPI:
    """Return the application."""
    data_dir.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{data_dir / 'host.db'}")
    metadata.create_all(engine)
    sessions: dict[str, str] = {}

    async def identify(request: Request) -> HostUser | None:
        name = sessions.get(request.cookies.get("host_session", ""))
        return USERS.get(name) if name else None

    async def on_event(work: Any, event: Any) -> None:
        await work.execute(
            ADD_ACTION, action=event.name, tenant=work.tenant_id, actor=work.actor.id
        )

    app = FastAPI(title="The host")
    limen = Limen(
        Settings(
            environment="development",
            base_url=f"http://localhost:{port}/auth",
            port=port,
            data_dir=data_dir,
        ),
        identify=identify,
        engine=engine,
        on_event=on_event,
    )

    @app.post("/login")
    async def login(name: str, response: Response) -> dict[str, str]:
        if name not in USERS:
            raise HTTPException(401)
        key = secrets.token_urlsafe(32)
        sessions[key] = name
        response.set_cookie("host_session", key, httponly=True, samesite="lax")
        return {"hello": name}

    @app.get("/me")
    async def me(user: Annotated[Any, Depends(limen.current_user)]) -> dict[str, str]:
        return {"limen_id": user.id}

    @app.get("/actions")
    async def actions() -> list[str]:
        with engine.connect() as connection:
            return [row.action for row in connection.execute(sa.select(audit_actions))]

    limen.mount(app, path="/auth")
    return app


if __name__ == "__main__":
    uvicorn.run(build(), port=8002)

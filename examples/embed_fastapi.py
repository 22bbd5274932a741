"""Limen mounted in a FastAPI application, with accounts of Limen's own.

    python examples/embed_fastapi.py

Then open http://localhost:8001/auth/sign-up. ``/reports`` answers whoever is signed in there, in
the browser or by an access token; ``/machine`` answers clients whose token has a scope.
"""

from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI

from limen import Limen, Settings


def build(*, port: int = 8001, data_dir: Path = Path("var/embedded")) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="The host")
    limen = Limen(
        Settings(
            environment="development",
            base_url=f"http://localhost:{port}/auth",
            port=port,
            data_dir=data_dir,
        )
    )
    limen.mount(app, path="/auth")

    @app.get("/reports")
    async def reports(user: Annotated[Any, Depends(limen.current_user)]) -> dict[str, str]:
        return {"for": user.id}

    @app.get("/machine")
    async def machine(
        token: Annotated[Any, Depends(limen.require_scope("things:read"))],
    ) -> dict[str, str]:
        return {"client": token.client_id}

    return app


if __name__ == "__main__":
    uvicorn.run(build(), port=8001)

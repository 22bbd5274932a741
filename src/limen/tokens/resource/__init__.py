"""What an API needs to accept our access tokens.

- ``server``: ``ResourceServer``, with ``require_scope("a b")`` for FastAPI and the metadata route.
- ``sources``: how it learns that a token is good: ``InProcess`` asks the database at once,
  ``Remote`` verifies signatures with the issuer's published keys and introspects the rest.
- ``remote_keys``: those keys, kept. ``bearer``: reading a request, answering a refusal.
- ``prove``: DPoP proofs and the rules for them. ``seen_proofs``: those seen, without a database.

```python
api = ResourceServer("https://api.example", source=Remote("https://id.example", …))

@app.get("/files")
async def files(token: Annotated[ActiveToken, Depends(api.require_scope("files:read"))]): ...
```
"""

from limen.tokens.look_up import ActiveToken
from limen.tokens.resource.prove import SenderRules
from limen.tokens.resource.seen_proofs import SeenProofs
from limen.tokens.resource.server import ResourceServer
from limen.tokens.resource.sources import InProcess, Remote

__all__ = ["ActiveToken", "InProcess", "Remote", "ResourceServer", "SeenProofs", "SenderRules"]

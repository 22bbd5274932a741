"""Issue identity assertions: grants for another authorization server, about one of our users."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.kernel.ids import new_name
from limen.kernel.secret import Secret
from limen.protocol.claims_mapping import RESERVED_CLAIMS
from limen.protocol.jwt import sign
from limen.protocol.jwt_bearer import ID_JAG_TYP

ID_JAG_TTL: Final = dt.timedelta(minutes=5)

_OURS: Final = RESERVED_CLAIMS | {"resource"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdJagSpec:
    """What an identity assertion says.

    Args:
        audience: The other server's issuer, and nobody beside it.
        client_id: What the client is called there.
        subject: ``sub`` as that server knows the user.
        not_after: It ends no later than what it was exchanged for.
        resource: For which of that server's resources; empty for unsaid.
        scope: What may be asked for there; empty for unsaid.
        jkt: The thumbprint of the key that whoever presents it must hold; empty for none.
        claims: Further ones; those that decide who is admitted, or to what, are left out.
    """

    audience: str
    client_id: str
    subject: str
    not_after: dt.datetime
    resource: str = ""
    scope: tuple[str, ...] = ()
    auth_time: dt.datetime | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    jkt: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)


async def issue_id_jag(work: Work, *, keyring: Keyring, spec: IdJagSpec) -> tuple[Secret[str], int]:
    """Make an identity assertion; return it and how many seconds it lives.

    Spec: draft-ietf-oauth-identity-assertion-authz-grant, section "Identity Assertion JWT
    Authorization Grant".
    """
    issued, ends = to_timestamp(work.now), to_timestamp(min(work.now + ID_JAG_TTL, spec.not_after))
    claims = {name: value for name, value in spec.claims.items() if name not in _OURS}
    claims |= {
        "iss": work.site.issuer,
        "sub": spec.subject,
        "aud": spec.audience,
        "client_id": spec.client_id,
        "jti": new_name(),
        "iat": issued,
        "exp": ends,
    }
    said = {
        "resource": spec.resource,
        "scope": " ".join(spec.scope),
        "auth_time": spec.auth_time and to_timestamp(spec.auth_time),
        "acr": spec.acr,
        "amr": list(spec.amr),
        "cnf": {"jkt": spec.jkt} if spec.jkt else None,
    }
    claims |= {name: value for name, value in said.items() if value}
    key = await keyring.active(work, "ES256")
    return Secret(sign(claims, key, typ=ID_JAG_TYP)), ends - issued

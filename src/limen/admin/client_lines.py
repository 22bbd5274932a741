"""Clients as lines of NDJSON: all that a client is but its secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, TypeAdapter

from limen.admin.batch import read_operation
from limen.admin.schemas import Moment
from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.actor import Actor
from limen.kernel.errors import InvalidInput
from limen.kernel.foreign_json import parse_json
from limen.kernel.site import Site
from limen.oauth.model import Client
from limen.oauth.registry.listing import MOST as PAGE
from limen.oauth.registry.listing import list_clients
from limen.oauth.registry.register_client import FIRST_PARTY_CLIENT_ID, members_of
from limen.oauth.service_accounts.find import get_account
from limen.oauth.transfer.import_client import AccountRecord, ClientRecord
from limen.protocol.client_metadata import ClientType

MEDIA_TYPE: Final = "application/x-ndjson"
_Scope = Annotated[str, StringConstraints(max_length=4096)]
_Uri = Annotated[str, StringConstraints(max_length=2048)]


class AccountLine(BaseModel):
    """What is more about a service account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(default="", max_length=1000)
    expires_at: Moment | None = None


class ClientLine(BaseModel):
    """One client; ``metadata`` holds its RFC 7591 members, left-out ones have their default."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: str = Field(max_length=100)
    type: ClientType
    metadata: dict[str, Any] = Field(max_length=100)
    default_scope: _Scope | None = None
    default_resource: _Uri | None = None
    first_party: StrictBool = False
    trusted: StrictBool = False
    verified: StrictBool = True
    rotates_refresh: StrictBool | None = None
    active: StrictBool = True
    service_account: AccountLine | None = None

    def record(self) -> ClientRecord:
        """Return what the line says."""
        scope = self.default_scope
        account = self.service_account
        return ClientRecord(
            client_id=self.client_id,
            type=self.type,
            metadata=self.metadata,
            default_scope=None if scope is None else tuple(scope.split()),
            default_resource=self.default_resource,
            first_party=self.first_party,
            trusted=self.trusted,
            verified=self.verified,
            rotates_refresh=self.rotates_refresh,
            active=self.active,
            account=None if account is None else AccountRecord(**account.model_dump()),
        )


_LINE: Final[TypeAdapter[Any]] = TypeAdapter(ClientLine)


def read_line(raw: bytes) -> ClientLine:
    """Read one line.

    Raises:
        InvalidInput: ``invalid_input``: no JSON, too deep, or not a client.
    """
    try:
        parsed = parse_json(raw.decode())
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidInput("invalid_input", "The line is not a JSON object.")
    line: ClientLine = read_operation(_LINE, parsed)
    return line


async def client_lines(
    works: Works, site: Site, *, envelope: Envelope, actor: Actor
) -> AsyncIterator[bytes]:
    """Yield a tenant's clients, a line each, by id; a page at a time is read.

    Left out are the built-in client, and those whose registration is a document elsewhere.
    """
    cursor, goes_on = "", True
    while goes_on:

        async def page(work: Work, cursor: str = cursor) -> tuple[list[bytes], str]:
            found = await list_clients(work, envelope, cursor=cursor, limit=PAGE)
            lines = [await _line(work, client) for client in found.items if _is_ours(client)]
            return lines, found.next_cursor

        lines, cursor = await works.run(site, page, actor=actor)
        goes_on = bool(cursor)
        for line in lines:
            yield line


def _is_ours(client: Client) -> bool:
    return not client.document_host and client.client_id != FIRST_PARTY_CLIENT_ID


async def _line(work: Work, client: Client) -> bytes:
    account = None
    if client.is_service_account:
        found = await get_account(work, client_id=client.client_id)
        account = AccountLine(description=found.description, expires_at=client.expires_at)
    line = ClientLine(
        client_id=client.client_id,
        type=client.type,
        metadata=members_of(client.metadata),
        default_scope=" ".join(client.default_scope),
        default_resource=client.default_resource,
        first_party=client.first_party,
        trusted=client.trusted,
        verified=client.verified,
        rotates_refresh=client.rotates_refresh,
        active=client.is_active,
        service_account=account,
    )
    return line.model_dump_json().encode() + b"\n"

"""What an owner says of a connection: a name, tags, metadata. Nothing here acts on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotFound
from limen.vault.events import ConnectionAnnotated
from limen.vault.store import connections

MAX_NICKNAME_CHARS: Final = 200
MAX_TAGS: Final = 20
MAX_TAG_CHARS: Final = 50
MAX_METADATA_BYTES: Final = 4096
MAX_METADATA_MEMBERS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """What to change; ``None`` leaves as it is."""

    nickname: str | None = None
    tags: Sequence[str] | None = None
    metadata: Mapping[str, Any] | None = None


async def annotate(
    work: Work, *, connection_id: str, owner_id: str, annotations: Annotations
) -> None:
    """Write a name, tags, metadata.

    Raises:
        InvalidInput: ``label_invalid``, ``tags_invalid``, ``metadata_invalid``.
        NotFound: ``connection_not_found``.
    """
    check_annotations(annotations)
    tags = annotations.tags
    changed = await connections.annotate(
        work,
        connection_id=connection_id,
        owner_id=owner_id,
        nickname=annotations.nickname,
        tags=None if tags is None else tuple(dict.fromkeys(tags)),
        metadata=annotations.metadata,
    )
    if not changed:
        raise NotFound("connection_not_found", "There is no such connection.")
    await work.record(ConnectionAnnotated(connection_id=connection_id))


def check_annotations(told: Annotations) -> None:
    """Refuse what can't be kept.

    Raises:
        InvalidInput: As ``annotate``.
    """
    name = told.nickname
    if name is not None and (len(name) > MAX_NICKNAME_CHARS or not _is_plain(name)):
        raise InvalidInput("label_invalid", "The label can't be read.", field="label")
    tags = told.tags or ()
    if len(tags) > MAX_TAGS or not all(
        0 < len(tag) <= MAX_TAG_CHARS and _is_plain(tag) for tag in tags
    ):
        text = f"There may be {MAX_TAGS} tags of {MAX_TAG_CHARS} characters."
        raise InvalidInput("tags_invalid", text, field="tags")
    if told.metadata is None:
        return
    size = len(json.dumps(told.metadata).encode())
    if size > MAX_METADATA_BYTES or len(told.metadata) > MAX_METADATA_MEMBERS:
        text = f"Metadata may have {MAX_METADATA_MEMBERS} members and {MAX_METADATA_BYTES} bytes."
        raise InvalidInput("metadata_invalid", text, field="metadata")


def _is_plain(text: str) -> bool:
    return text == "" or text.isprintable()

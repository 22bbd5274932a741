"""What happened, told in the past tense.

An event's wire name follows ``subject:noun:verb``, ``account:session:started`` say: three
words of lower-case letters and underscores.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from typing_extensions import override

NAME: Final = re.compile(r"[a-z][a-z_]*:[a-z][a-z_]*:[a-z][a-z_]*")

Outcome = Literal["done", "denied"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Base of all events; each subclass names itself.

    Fields must be safe to keep in the audit log for years: ids, never secrets and never
    personal detail such as an e-mail address.

    Attributes:
        name: The wire name, class-wide.
        outcome: ``denied`` for refused attempts.
        by_user: Whether the user it is about did it, where nobody was known before it.
    """

    name: ClassVar[str] = ""
    outcome: ClassVar[Outcome] = "done"
    by_user: ClassVar[bool] = False

    @override
    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(Event, cls).__init_subclass__(**kwargs)
        if not NAME.fullmatch(cls.name):
            raise TypeError(f"{cls.__name__}.name {cls.name!r} is not subject:noun:verb")

    def detail(self) -> dict[str, Any]:
        """Return the fields as JSON-ready members; they are flat, so none is copied."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

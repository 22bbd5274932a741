"""What others hand in to be exchanged for: the vault's third-party tokens, say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from limen.db.work import Work
from limen.oauth.exchange.case import Case
from limen.oauth.exchange.readers import SubjectTokenReader
from limen.oauth.granted import Handed


class ExchangeTarget(Protocol):
    """Gives for a subject what is no access token of ours.

    By the time it is asked the client is authenticated, the subject token valid, its key
    proven, and the client's policy names the subject. Whether it names the target, and what
    the person agreed to, is the target's to check.
    """

    async def exchange(self, work: Work, *, case: Case) -> Handed:
        """Return what the client receives.

        Raises:
            OAuthRefusal: ``invalid_target``, ``invalid_scope``, ``invalid_request``.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanges:
    """What may be exchanged beyond our own, handed in by the composition root.

    Args:
        targets: By ``requested_token_type``.
        readers: Further kinds of subject and actor tokens, by their type.
    """

    targets: Mapping[str, ExchangeTarget] = field(default_factory=dict)
    readers: Mapping[str, SubjectTokenReader] = field(default_factory=dict)


NO_EXCHANGES: Final = Exchanges()
"""For our own tokens alone."""

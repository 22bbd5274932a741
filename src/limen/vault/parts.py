"""What the vault depends on."""

from __future__ import annotations

from dataclasses import dataclass, field

from limen.crypto.envelope import Envelope
from limen.db.work import Works
from limen.federation.parts import Parts as FederationParts
from limen.federation.registry import Catalogue
from limen.net import Net
from limen.oauth.clients import Clients
from limen.web.pages import Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTimes:
    """How long a refresh may take.

    Args:
        deadline_seconds: For the provider's answer, all attempts together.
        lease_seconds: How long a refresher keeps others away; longer than the deadline, so
            that nobody starts over while an answer may still come (F5).
        wait_seconds: How long a reader waits for somebody else's refresh.
        batch: Grants the loop leases at once.
        together: How many of one tenant at one provider are refreshed at the same time while no
            others are due; half as many again are kept for others.
    """

    deadline_seconds: float = 8.0
    lease_seconds: float = 15.0
    wait_seconds: float = 12.0
    batch: int = 100
    together: int = 200

    def __post_init__(self) -> None:
        if self.lease_seconds <= self.deadline_seconds:
            raise ValueError("the lease ends before the call does")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Handed in by ``app.py``.

    Args:
        federation: The way to providers, shared with sign-in.
        catalogue: How each of them behaves.
        pages: Renders the connect page; ``None`` in a process that serves none.
        clients: Of the authorization server: whom people share connections with.
    """

    federation: FederationParts
    catalogue: Catalogue
    times: RefreshTimes = RefreshTimes()
    pages: Pages | None = None
    clients: Clients = field(default_factory=Clients)

    @property
    def works(self) -> Works:
        """Opens the short Works around calls."""
        return self.federation.works

    @property
    def envelope(self) -> Envelope:
        """Seals tokens."""
        return self.federation.envelope

    @property
    def net(self) -> Net:
        """The one way out."""
        return self.federation.net

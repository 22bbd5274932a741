"""A provider in Python that takes credentials of people's own, declared as entries do."""

from __future__ import annotations

from functools import cached_property

from limen.federation.catalogue.credential_rule import Credentials
from limen.federation.catalogue.credential_ways import Ways, ways_of
from limen.federation.provider import Provider


class TakesCredentials(Provider):
    """What a plug-in is that takes API keys, passwords, clients or service accounts besides.

    Whom a credential is sent to is for these declarations alone to say, as for an entry: it is
    given for the hosts of that moment, and used at no others (``credential_unbound``).

    Attributes:
        credentials: A rule for each kind; every address is whole, with nothing to be filled in.
            What is made of a credential goes to ``facts.api.hosts``.
    """

    credentials: Credentials

    @cached_property
    def ways(self) -> Ways:
        """How its rules are carried out."""
        api = self.facts.api
        found = ways_of(self.credentials, provider=self.id, api=api, move=str)
        return found.pinned_to(api.hosts)

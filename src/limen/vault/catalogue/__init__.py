"""How each provider behaves, as data: one TOML file each, with the evidence for it.

- ``entry``: the schema. ``load``: reads and validates every file.
- ``connectable``: what the vault needs of a provider beside what federation does.
- ``behaviour``: an entry as such a provider. ``configured``: any OpenID provider as one.
"""

from limen.vault.catalogue.connectable import Connectable, Facts
from limen.vault.catalogue.load import Catalogue, load

__all__ = ["Catalogue", "Connectable", "Facts", "load"]

"""SQL on both engines, one way to say it, and the one transaction of a unit of work.

- ``base``, ``types``: how tables are declared. Each capability declares its own in ``tables.py``.
- ``statements``: a SQLAlchemy statement compiled once and bound many times, for raw drivers.
- ``engines``, ``sqlite``, ``postgres``: connections and their pools.
- ``work``: ``Work`` (one transaction, moment, actor, tenant) and ``Works`` (which runs them).
- ``single_use``: what may be used once. ``leases``, ``outbox``: work in the background.
- ``migrate``, ``migrations/``: the schema's history.
"""

"""The vault's SQL: ``connections``, ``grants``, ``revocations``, the ``journal`` of refreshes.

``in_batches`` is the journal of many at once; ``due`` looks for whose refresh is next.
"""

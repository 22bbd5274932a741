"""The vault's SQL: ``connections``, ``grants``, and the ``journal`` of refreshes."""

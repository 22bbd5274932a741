"""The vault's SQL: ``connections``, ``grants``, the ``journal`` of refreshes, ``revocations``."""

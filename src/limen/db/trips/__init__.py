"""Fewer round trips to PostgreSQL: what leaves together, what arrives together.

- ``last_rows``: rows that travel with the COMMIT.
- ``look_up_pair``: two look-ups in one statement.
"""

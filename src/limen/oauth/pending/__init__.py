"""The rows of requests that are approved elsewhere, and what ends them besides an answer.

``decoupled``, where such requests are begun, answered and redeemed, stands above; so does
whatever ends grants, and ends these with them.

- ``model``: the row as a value. ``tables``, ``store``: in SQL.
- ``take_back``: what ends grants ends approvals that nobody came for.
"""

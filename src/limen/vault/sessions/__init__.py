"""Connect sessions: connecting begun by an app or an agent, ended by a person in their browser.

Whoever asks gets a link and follows what becomes of it; only the person it was made for opens
the link, signed in here, and only they confirm, on a page that names them and the account at
the provider, what came back. Until then nothing of it is in use (F37).

- ``make``: the link. ``hold``: what came back, until it is confirmed. ``confirm``: yes or no.
- ``follow``: what whoever asked is told, by poll or by a code. ``end``: sessions that failed.
- ``events``, ``model``, ``store``, ``tables``.
"""

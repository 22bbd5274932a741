"""The composition root: builds every capability's parts and mounts them in one list literal.

- ``runtime``: everything one process shares, built from the settings; ``upstream``: the parts
  that reach out to providers. ``capabilities``: what each is handed, the literal of all routes.
- ``reactions``: what an event below means above. ``compose``: all of it together.
- ``asgi``: the application the server runs. ``docs``: the API's description, served locally.
  ``watch``: access log, metrics, readiness.
- ``start``: open, check, bootstrap, stop. ``bootstrap``: the default tenant and administrator.
- ``background``, ``loops``: work again and again, and ``run_once`` for a host's scheduler.
"""

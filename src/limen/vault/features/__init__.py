"""Progressive activation: what apps may switch on over a connection, and what people gave.

- ``offered``: the catalogue's features and those a tenant declared. ``declare``: declaring them.
- ``states``: active, missing, denied, an administrator's (PURE). ``show``: of one connection.
- ``activate``: ask for the union and nothing more; switch off again. ``union``: what to ask.
- ``note``: what came back, recorded and never raised.
"""

"""What ends with a connection, what is told about a person, and what is left after them.

- ``preview``: what else dies with a grant, before anybody disconnects.
- ``erase``: a person's connections, and all that was kept about them; the record that survives.
- ``export``: all that is kept about a person's connections; secrets only when asked for.
"""

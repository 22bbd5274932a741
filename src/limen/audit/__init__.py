"""The audit log: who did what, when, to whom, written in the transaction that did it.

- ``record``: the recorder ``app.py`` gives to ``Works``. ``event``: a row as read.
- ``search``: filters and pages. ``cursor``: positions in a list that nobody else can write.
- ``tables``, ``store``: rows are added and read, never changed.
"""

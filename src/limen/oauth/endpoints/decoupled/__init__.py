"""Requests approved elsewhere, over HTTP: begun by clients, answered by people.

- ``device_authorization``, ``bc_authorize``: clients begin. The token endpoint does the rest.
- ``device_page``: a code is typed. ``approve_page``: a request is shown and answered.
- ``approvals``: the same as JSON. ``development``: answers for a suite, in development alone.
- ``shown``: what a person is told. ``answering``: who may answer.
"""

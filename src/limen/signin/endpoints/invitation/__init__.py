"""Accepting an invitation: ``page`` in a browser, ``api`` over JSON; one journey, two faces."""

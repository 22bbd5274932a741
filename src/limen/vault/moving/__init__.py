"""Connections that come from another application, with proof, and that leave for one.

- ``line``: a connection as a line of JSON, the same in both directions. ``outcome``: what
  becomes of one.
- ``take_in``: one line, from whom it is for to what became of it. ``target``: whom and where it
  is for. ``prove``: whose account its tokens open, asked of the provider. ``keep``: the
  connection, if what the provider said allows it.
- ``unclaimed``: tokens that had to be redeemed before anybody knew whose they are: journalled as
  every refresh, found again by the line they came from, given up after a month.
- ``write_out``: a tenant's connections as lines.
"""

"""Others are asked before we go on: before a sign-up, after a sign-in, before a token.

A hook is a function of the host application, or an address that gets a signed POST. Each has a
deadline; what does not answer in time, or not as it should, stops what it was asked about unless
it was registered to be optional.

- ``model``: the points and the answers. ``ask``: asking all of a tenant's hooks at a point.
- ``over_http``: the signed call. ``manage``: adding and removing them.
- ``store``, ``tables``: SQL. ``events``: what is recorded.
"""

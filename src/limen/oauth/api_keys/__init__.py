"""What API keys may be made for: whose, for which API, with which scopes.

The keys themselves are in ``tokens.api_keys``, which knows neither clients nor resources.

- ``for_person``: keys of people, made by themselves. ``for_account``: keys of service accounts.
- ``wanted``: what somebody asks for, and the API it is for.
"""

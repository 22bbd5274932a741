"""What machines call with: ``limen service-account`` and ``limen api-key``.

- ``service_accounts``: machines with roles and several credentials.
- ``api_keys``: keys of people and service accounts.
"""

"""What ``limen doctor`` looks at.

- ``finding``: what is found. ``machine``: files, ports, neighbours. ``installation``: database,
  keys, tenants, the issuer as others see it. ``profile``: what is missing for FAPI 2.0 or MCP.
"""

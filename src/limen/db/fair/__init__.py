"""A fair share of what all tenants have in common: ``leases`` says what a loop begins next."""

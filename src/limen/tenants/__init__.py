"""Tenants: who has users, clients, keys and a policy of their own, under one issuer each.

- ``tenant``: the frozen ``Tenant`` every request carries, and how its issuer is built.
- ``policy``: what a tenant may decide. ``policy_of``: the policy a Work runs under.
- ``directory``: host, path or id to tenant, cached in process, stamped every 2 s.
- ``create_tenant``, ``switch_tenant``, ``update_policy``: the use cases. ``events``: what they
  record.
- ``tables``, ``store``: where it is kept.
"""

from limen.tenants.policy import TenantPolicy
from limen.tenants.policy_of import display_name, policy_of
from limen.tenants.tenant import DEFAULT_SLUG, Tenant, api_audience

__all__ = ["DEFAULT_SLUG", "Tenant", "TenantPolicy", "api_audience", "display_name", "policy_of"]

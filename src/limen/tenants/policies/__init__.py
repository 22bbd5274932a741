"""What a tenant may decide, one model for each area; ``TenantPolicy`` holds them."""

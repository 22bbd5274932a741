"""How accounts end by their own people: ``close_account``."""

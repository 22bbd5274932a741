"""Signed events of providers that end grants."""

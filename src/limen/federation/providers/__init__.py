"""Providers that need more than discovery to sign people in; they know nothing of each other."""

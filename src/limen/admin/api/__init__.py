"""The admin API by noun: ``clients users resources tenants policy keys audit``."""

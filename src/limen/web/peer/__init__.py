"""Who is at the other end of the connection, or what a proxy that we trust says of it.

- ``client_ip``: the address. ``client_certificate``: the TLS certificate of a client.
"""

"""What is mailed to people: links and codes that prove a mailbox, and notices.

- ``mail_link``: makes one and mails it. ``store``: hashes; taking one deletes its row.
- ``account_mail``: what strangers may ask for, looked up after their answer has left.
- ``mail_budget``: how many of them anybody can cause.
- ``tell_of_reuse``: the reaction that tells of a refresh token presented twice.
- ``sweep``: the expired ones go.
"""

"""Audits: keys that leaked into files, the log against the account's usage, first contact.

They may import everything but `widgets` and `cli`. Nothing is spent but the price of `first_contact`'s one job,
which is submitted like any other. Read `key_scan`, `reconcile` or `first_contact`; each returns a `Report`.
"""

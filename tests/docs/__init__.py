"""The reference that `make docs` makes from the docstrings of the contract, and the check of its links.

Read `reference.py` first.
"""

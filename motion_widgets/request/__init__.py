"""The request: its fields, its limits, the rules that judge it and the price it will have.

Pure Python over measured facts; no file is read and nothing is sent. Read `request` first, then `rules`.
"""

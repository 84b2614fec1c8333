"""Downloading a result: each hop judged, resumed after a break, checked, and renamed into place.

Read `download` first; `http_get` makes the calls and `partial_file` holds what has arrived.
"""

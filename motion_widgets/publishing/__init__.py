"""Publish a local image or clip under a link that the endpoint can fetch, and check links before use.

In come a file, a destination (the endpoint's upload, an object store, a shell command, a file server on this
machine) and a consent that `workspace` has asked for. Read `publisher` first.
"""

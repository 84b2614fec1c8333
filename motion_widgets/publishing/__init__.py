"""Publishing: how a local image or clip becomes a link that the endpoint can fetch.

Through the endpoint's own upload (images), an object store (fsspec), a command of the user's own, or a
small server on this machine. Whoever publishes has asked for consent first (`jobs.hosting`).
"""

"""The wire: client, answers, errors and the secret key.

httpx is imported when a client is made, not with the package.
"""

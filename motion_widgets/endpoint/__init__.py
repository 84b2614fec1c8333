"""Talk to the endpoint: one call at a time, typed responses and errors, and the API key.

In come what a request carries and the key; retries and money are the business of `jobs`. The facts are in
``API.md``; read `client` first.
"""

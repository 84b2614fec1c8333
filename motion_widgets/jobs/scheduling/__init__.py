"""When something is sent or asked: the limit on submits, turns at the endpoint, poll times, waiting.

Nothing here talks to the endpoint or the log. Read `call_gate` first.
"""

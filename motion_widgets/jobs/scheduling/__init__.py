"""When something is asked or sent: poll times, the limit on submits, turns at the endpoint, the clock.

Nothing here talks to the endpoint or the log. Read `call_gate` first.
"""

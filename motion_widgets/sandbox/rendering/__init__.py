"""Drawing the sandbox's results and sample media, in a process of its own.

Read `draw` first; `worker` runs it away from the server.
"""

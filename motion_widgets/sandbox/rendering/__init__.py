"""Drawing the sandbox's results and sample media.

A task of the store comes in, an mp4 file in ``results/`` goes out. Read `draw` first; `worker` runs it on
background threads.
"""

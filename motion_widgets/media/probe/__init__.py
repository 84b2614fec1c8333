"""Measure clips and images: length and other facts, from a file or the few bytes of a link that hold them.

It may import `ffmpeg` of this room, and `core`. Read `measure` first; `boxes`, `movie`
and `fragments` read an mp4's header, and `moviepy_check` lets moviepy confirm the length.
"""

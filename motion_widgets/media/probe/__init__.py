"""Measuring clips and images: length and facts, from a file or the few bytes of a link that say so.

moviepy confirms what the container states. Read `measure` first.
"""

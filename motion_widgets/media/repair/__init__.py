"""Mends: copies of clips and images that pass the rules. The source itself is never changed.

It may import the rest of `media`. Read `mend` first. To add a mend: its function goes to `clips` or `images`,
its label to `operation`, the finding that it mends to `judge`, its shortcut to `shortcuts`.
"""

"""Clips and images: measure them, decode and preview them, mend them, and draw samples.

It may import `core` and `request`, and loads moviepy, httpx, Pillow and numpy only where they are used.
Read `probe.measure` first, then `repair.mend`. To add a check, measure it in `probe` and judge it in
`request.rules`.
"""

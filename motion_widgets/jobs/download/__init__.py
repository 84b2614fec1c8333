"""Download a result: judge each hop, resume after a break, check the file and move it into place.

In come a result's link and the path it should have. Read `download` first; `http_get` opens the link, and
`partial_file` keeps what has arrived.
"""

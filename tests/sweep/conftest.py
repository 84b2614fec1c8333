from tests.jobs.conftest import clip_bytes, endpoint, hurry, req, spaces, ws  # noqa: F401

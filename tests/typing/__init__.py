"""How the public API is typed: examples that mypy checks in the gate, and pyright by `make typing`."""

"""A site's module that fails on import."""

raise RuntimeError("not here, not now")

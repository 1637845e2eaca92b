"""A module of a site's that fails when it is imported."""

raise RuntimeError("not here, not now")

"""A site of the shape that transit-benefit sites have in the field: several agencies, each with an account of its own
in the site's database, secrets by name in a vault, and three processors."""

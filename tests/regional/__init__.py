"""A site like real transit-benefit sites: three processors, several agencies that each have an account in the site's
database, and a vault that has the secrets by name."""

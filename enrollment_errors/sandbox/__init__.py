"""A transit processor on loopback, for development, demonstrations and tests. Standard library only."""

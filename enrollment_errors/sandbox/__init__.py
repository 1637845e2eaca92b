"""A transit processor for development, demonstrations and tests, on loopback. Standard library only."""

"""The smallest site to measure: our views, those of the floor and of a naive client, and another page."""

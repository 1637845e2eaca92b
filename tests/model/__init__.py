"""Riders, tabs, staff and trouble in any order, over real HTTP: what a page says is true, and stays true."""

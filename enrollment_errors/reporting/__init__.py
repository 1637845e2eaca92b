"""Telling operators what happened: one ``Report`` for an event, dispatched to one sink a file."""

"""Tells operators what happened: each event is one ``Report``, dispatched to every sink. Each sink has its own file."""

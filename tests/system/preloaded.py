"""The bench's site, where the process that forks the workers has called the processor before and keeps a connection."""

from __future__ import annotations

from django.test import Client

from bench.site.wsgi import application

__all__ = ["application"]

Client(headers={"X-Group": "group-seniors"}, SERVER_NAME="127.0.0.1").post("/ours/token/")

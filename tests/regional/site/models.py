from __future__ import annotations

from django.db import models


class Config(models.Model):
    """An account with a transit processor, as agency staff edit it. It has the names of its secrets in the vault."""

    name = models.SlugField(unique=True)
    environment = models.CharField(max_length=4, choices=[("test", "Test"), ("prod", "Production")], default="test")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class LittlepayConfig(Config):
    audience = models.CharField(max_length=100)
    client_id = models.CharField(max_length=100)
    client_secret_name = models.CharField(max_length=100)


class SwitchioConfig(Config):
    """All agencies share the certificates and the servers' addresses."""

    pto_id = models.PositiveIntegerField()
    tokenization_api_key = models.CharField(max_length=100)
    tokenization_api_secret_name = models.CharField(max_length=100)


class InlineConfig(Config):
    public_key = models.CharField(max_length=100)
    api_key_name = models.CharField(max_length=100)


class Agency(models.Model):
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    account = models.SlugField()
    card_schemes = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name


class Group(models.Model):
    """The concession group for an agency's flow."""

    agency = models.ForeignKey(Agency, models.CASCADE)
    flow = models.SlugField()
    group_id = models.CharField(max_length=100)
    expires_after = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.flow} at {self.agency}"

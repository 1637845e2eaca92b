from django.db import models


class Agency(models.Model):
    """A transit agency, its benefit, and its account with the processor."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    phone = models.CharField(max_length=40)
    benefit = models.SlugField()
    group = models.CharField(max_length=80)
    expires_after = models.PositiveIntegerField("expires after (days)", null=True, blank=True)
    processor_url = models.URLField()
    client_id = models.CharField(max_length=80)
    audience = models.CharField(max_length=80)
    secret_name = models.CharField("environment variable with the client secret", max_length=80)

    class Meta:
        verbose_name_plural = "agencies"

    def __str__(self):
        return self.name


class Enrolled(models.Model):
    """One success, for the monthly report."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    by_staff = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "enrolled"

    def __str__(self):
        return f"{self.agency} {self.at:%Y-%m-%d}"

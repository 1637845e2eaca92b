from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from mysite.models import Enrolled


class Command(BaseCommand):
    help = "Deletes what the monthly report needs no more; cron runs it every night."

    def handle(self, *args, **options):
        Enrolled.objects.filter(at__lt=timezone.now() - timedelta(days=400)).delete()

from django.contrib import admin

from .models import Agency, Enrolled


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "benefit"]


@admin.register(Enrolled)
class EnrolledAdmin(admin.ModelAdmin):
    list_display = ["agency", "at", "by_staff"]

from __future__ import annotations

from django.contrib import admin

from .benefits import FLOWS
from .models import Agency, ConcessionGroup


class ConcessionGroupInline(admin.TabularInline):
    model = ConcessionGroup
    extra = max_num = len(FLOWS)


admin.site.index_template = "example/admin_index.html"


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "account")
    inlines = (ConcessionGroupInline,)

"""Lets operators add an account, rotate its secret, and test it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ..doctor.examination import enrollments_of, examine_account
from ..exceptions import ConfigurationError
from .forms import NewAccountForm, form_of
from .models import Account
from .processors import processor_at

if TYPE_CHECKING:
    _AccountAdmin = admin.ModelAdmin[Account]
else:
    _AccountAdmin = admin.ModelAdmin


@admin.register(Account)
class AccountAdmin(_AccountAdmin):
    list_display = ("name", "processor_name", "is_active", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    change_form_template = "admin/enrollment_accounts/change_form.html"

    class Media:
        css = {"all": ["enrollment_errors/operators.css", "enrollment_errors/accounts.css"]}

    @admin.display(description=_("processor"), ordering="processor")
    def processor_name(self, account: Account) -> str:
        try:
            return processor_at(account.processor).name
        except ConfigurationError:  # its class has moved
            return account.processor

    def get_form(self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any) -> Any:
        return NewAccountForm if obj is None else form_of(obj.processor)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "processor")})]
        form = form_of(obj.processor)
        options = [option.name for option in form.account_processor.account_options]
        return [(None, {"fields": ("name", "is_active")}), (form.account_processor.name, {"fields": options})]

    def response_add(self, request: HttpRequest, obj: Account, post_url_continue: str | None = None) -> HttpResponse:
        """Continues with the options of the account's processor. In a popup of another form, such as an agency's, goes
        back to that form."""
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(
            request,
            gettext("The account %(name)s was added, and is not in use yet. Fill in what it needs.")
            % {"name": obj.name},
        )
        return redirect(f"{self.admin_site.name}:enrollment_accounts_account_change", obj.pk)

    def get_urls(self) -> list[URLPattern]:
        test = path("<int:pk>/test/", self.admin_site.admin_view(self.test), name="enrollment_accounts_account_test")
        return [test, *super().get_urls()]

    @method_decorator(require_POST)
    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test the saved account as ``enrollment_doctor`` does. Enrolls nobody."""
        account = self.get_object(request, str(pk))
        if account is None:
            raise Http404
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Test of %(name)s") % {"name": account.name},
            "opts": self.opts,
            "account": account,
            "media": self.media,
            "findings": list(examine_account(account.name, enrollments_of(account.name))),
        }
        return TemplateResponse(request, "admin/enrollment_accounts/test.html", context)

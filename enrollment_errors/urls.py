"""Include these once for self-service, and a second time under another namespace for in-person enrollment."""

from django.urls import path

from . import views
from .pages import PAGES

app_name = "enrollment_errors"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("token/", views.token, name="token"),
    path("card-form/", views.card_form, name="card_form"),
    *(path(PAGES[outcome].path, view, name=PAGES[outcome].name) for outcome, view in views.END_PAGES.items()),
]

"""Include these for self-service. For in-person enrollment, also include ``enrollment_errors.in_person_urls``."""

from django.urls import path

from . import views
from .finishing_views import finishing
from .pages import PAGES

app_name = "enrollment_errors"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("token/", views.token, name="token"),
    path("card-form/", views.card_form, name="card_form"),
    path("finishing/", finishing, name="finishing"),
    *(path(PAGES[outcome].path, view, name=PAGES[outcome].name) for outcome, view in views.END_PAGES.items()),
]

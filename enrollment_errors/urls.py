"""Include these once for self-service, and a second time under another namespace for in-person enrollment."""

from django.urls import path

from . import views

app_name = "enrollment_errors"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("token/", views.token, name="token"),
    path("card-form/", views.card_form, name="card_form"),
    path("success/", views.success, name="success"),
    path("check-card/", views.check_card, name="check_card"),
    path("too-early/", views.too_early, name="too_early"),
    path("still-checking/", views.still_checking, name="still_checking"),
    path("system-error/", views.system_error, name="system_error"),
    path("server-error/", views.server_error, name="server_error"),
    path("changed/", views.changed, name="changed"),
    path("too-many/", views.too_many, name="too_many"),
    path("cannot-enroll/", views.cannot_enroll, name="cannot_enroll"),
]

"""Include these once for self-service, and a second time under another namespace for in-person enrollment."""

from django.urls import path

from . import views

app_name = "enrollment_errors"

urlpatterns = [
    path("", views.enroll, name="enroll"),
    path("token/", views.token, name="token"),
    path("card-form/", views.card_form, name="card_form"),
    path("success/<str:signed>/", views.success, name="success"),
    path("check-card/<str:signed>/", views.check_card, name="check_card"),
    path("too-early/<str:signed>/", views.too_early, name="too_early"),
    path("still-checking/<str:signed>/", views.still_checking, name="still_checking"),
    path("system-error/<str:signed>/", views.system_error, name="system_error"),
    path("server-error/<str:signed>/", views.server_error, name="server_error"),
    path("cannot-enroll/", views.cannot_enroll, name="cannot_enroll"),
]

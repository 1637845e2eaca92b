"""Include these for in-person enrollment, besides ``enrollment_errors.urls``. Only staff with the permission get in."""

from django.urls import path

from .in_person import APP_NAME
from .in_person_views import next_rider
from .urls import urlpatterns as same_as_self_service

app_name = APP_NAME

urlpatterns = [*same_as_self_service, path("next-rider/", next_rider, name="next_rider")]

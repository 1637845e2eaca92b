from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from enrollment_errors.incidents.status import status

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("language/", include("django.conf.urls.i18n")),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("signed-in/", views.signed_in, name="signed-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("enrollment/", include("enrollment_errors.urls")),
    # The same counter inside the admin, for staff who work there anyway.
    path("admin/in-person/", views.staff_in_admin, name="staff-in-admin"),
    path("admin/in-person/enrollment/", include("enrollment_errors.in_person_urls", namespace="in_admin")),
    path("admin/", admin.site.urls),
    # For machines, and for operators who are signed in.
    path("status/enrollment/", status, name="status"),
    path("staff/", views.staff, name="staff"),
    path("staff/sign-in/", LoginView.as_view(template_name="example/staff_sign_in.html"), name="staff-sign-in"),
    path("staff/enrollment/", include("enrollment_errors.in_person_urls")),
    path("agencies/<slug:slug>/", views.agency, name="agency"),
    path("agencies/<slug:slug>/<slug:flow>/", views.eligibility, name="eligibility"),
]

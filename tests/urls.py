from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("enrollment/", include("enrollment_errors.urls")),
    path("staff/", include("enrollment_errors.in_person_urls")),
]

from django.urls import include, path

urlpatterns = [
    path("enrollment/", include("enrollment_errors.urls")),
    path("staff/", include("enrollment_errors.urls", namespace="in_person")),
]

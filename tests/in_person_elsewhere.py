"""URLs of a site that has the in-person addresses, and no others, below a namespace of its own."""

from django.urls import include, path

from enrollment_errors import in_person_urls

urlpatterns = [
    path("benefits/", include(([path("window/", include(in_person_urls, namespace="window"))], "benefits"))),
]

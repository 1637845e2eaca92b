"""URLs of a site that has only the in-person addresses, in a namespace of its own."""

from django.urls import include, path

from enrollment_errors import in_person_urls

urlpatterns = [
    path("benefits/", include(([path("window/", include(in_person_urls, namespace="window"))], "benefits"))),
]

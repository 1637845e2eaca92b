from django.contrib import admin
from django.urls import include, path

from . import step, views

step_urls = [
    path("", step.index, name="index"),
    path("token/", step.token, name="token"),
    path("success/", step.success, name="success"),
    path("retry/", step.retry, name="retry"),
    path("error/", step.error, name="error"),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.home, name="home"),
    path("qualify/<slug:slug>/", views.qualify, name="qualify"),
    path("counter/<slug:slug>/", views.counter, name="counter"),
    path("start/", views.door, name="door"),
    path("step/", include((step_urls, "step"))),
]

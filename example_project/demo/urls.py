from django.urls import include, path

from . import example_id, views

urlpatterns = [
    path("demo/", views.start, name="demo"),
    path("demo/operator/", views.operator, name="demo-operator"),
    path("demo/operator/sign-in/", views.sign_in_operator, name="demo-operator-sign-in"),
    path("demo/operator/settle/", views.settle, name="demo-settle"),
    path("demo/operator/watch/", views.watch, name="demo-watch"),
    path("demo/scenarios/<slug:slug>/", views.choose, name="demo-choose"),
    path("example-id/sign-in/", example_id.sign_in, name="example-id-sign-in"),
    path("example-id/sign-out/", example_id.sign_out, name="example-id-sign-out"),
    path("", include("example.urls")),
]

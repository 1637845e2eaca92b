"""Runs in an environment that has the wheel and its dependencies, and nothing else.

Prints ``{language: {page: [HTTP status, the page]}}`` for every language that the installed package has a catalog for.
"""

import json
from pathlib import Path

import django
from django.conf import settings
from django.utils.translation import to_language

import enrollment_errors

PACKAGE = Path(enrollment_errors.__file__).parent
LANGUAGES = ["en", *sorted(to_language(folder.name) for folder in (PACKAGE / "locale").iterdir())]

settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    LANGUAGES=[(language, language) for language in LANGUAGES],
    STATIC_URL="/static/",
    INSTALLED_APPS=["django.contrib.sessions", "django.contrib.staticfiles", "enrollment_errors"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    ENROLLMENT_ERRORS={
        "ADAPTER": f"{__name__}.EveryoneMay",
        "ACCOUNTS": {
            "littlepay": {
                "CLASS": "enrollment_errors.processors.littlepay.LittlepayProcessor",
                "OPTIONS": {
                    "BASE_URL": "https://processor.test",
                    "CLIENT_ID": "id",
                    "CLIENT_SECRET": "secret",
                    "AUDIENCE": "https://processor.test",
                    "CARD_FORM_URL": "https://verify.processor.test",
                },
            }
        },
    },
)
django.setup()

from django.contrib.staticfiles import finders  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.urls import include, path, resolve  # noqa: E402

from enrollment_errors.adapter import Adapter, Agency, Enrollment  # noqa: E402
from enrollment_errors.outcomes import Outcome  # noqa: E402
from enrollment_errors.pages import PAGES  # noqa: E402
from enrollment_errors.responses import end_url  # noqa: E402

urlpatterns = [path("enrollment/", include("enrollment_errors.urls"))]


class EveryoneMay(Adapter):
    def get_enrollment(self, request):
        agency = Agency(slug="mountain", name="Mountain Valley Transit", home_url="/", phone="(555) 010-0199")
        return Enrollment(agency=agency, account="littlepay", group_id="g", flow="senior", verifier="nobody")


def addresses() -> dict[str, str]:
    request = RequestFactory().get("/enrollment/")
    request.resolver_match = resolve("/enrollment/")
    return {"enroll": "/enrollment/"} | {
        PAGES[outcome].name: end_url(request, outcome, "H7P-2QX-9MR")
        for outcome in Outcome
        if outcome is not Outcome.PARTIAL  # only a region has it, and this site has no region
    }


def render(language: str, address: str) -> list[object]:
    response = Client(headers={"accept-language": language}).get(address)
    return [response.status_code, response.content.decode()]


if __name__ == "__main__":
    for name in ("enrollment.css", "enrollment.js"):
        assert finders.find(f"enrollment_errors/{name}"), f"{name} is not installed"
    print(
        json.dumps(
            {"package": str(PACKAGE)}
            | {language: {page: render(language, url) for page, url in addresses().items()} for language in LANGUAGES}
        )
    )

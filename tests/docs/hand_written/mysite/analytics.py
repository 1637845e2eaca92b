import requests
from django.conf import settings


def send(request, agency, event, **properties):
    about = {
        "event_type": event,
        "user_id": request.session["visitor"],
        "device_id": request.session["visitor"],
        "session_id": request.session["started"],
        "event_properties": {
            "path": request.path,
            "transit_agency": agency.slug,
            "enrollment_flows": [agency.benefit],
            "enrollment_method": "in_person" if request.session["by_staff"] else "digital",
            **properties,
        },
    }
    try:
        body = {"api_key": settings.ANALYTICS_KEY, "events": [about]}
        requests.post(settings.ANALYTICS_URL, json=body, timeout=5)
    except requests.RequestException:
        pass

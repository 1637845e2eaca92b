from django.contrib.auth.decorators import permission_required
from django.shortcuts import get_object_or_404, redirect, render

from . import session
from .models import Agency


def home(request):
    return render(request, "home.html", {"agencies": Agency.objects.all()})


def qualify(request, slug):
    """Stands in for a real check; here, everyone who says so qualifies."""
    agency = get_object_or_404(Agency, slug=slug)
    if request.method == "POST":
        session.begin(request, agency)
        return redirect("door")
    return render(request, "qualify.html", {"agency": agency})


@permission_required("mysite.add_enrolled")
def counter(request, slug):
    """Staff say that they have seen a rider's proof."""
    agency = get_object_or_404(Agency, slug=slug)
    if request.method == "POST":
        session.begin(request, agency, by_staff=True)
        return redirect("door")
    return render(request, "qualify.html", {"agency": agency})


def door(request):
    """Where everyone goes who has just proven that they qualify."""
    return redirect("step:index")

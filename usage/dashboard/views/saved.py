"""Views with a name, and links to views: kept, renamed, deleted, revoked, all in one panel."""

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied

from cpa_usage.auth.adminlogin import is_let_in
from cpa_usage.http import rest
from usage.dashboard.frame import TITLES
from usage.dashboard.pages import page
from usage.dashboard.panels.columns import COOKIE, SHOWN
from usage.dashboard.views.manage import changes
from usage.models import SavedView, SharedView
from usage.ops.savedviews import PAGES, PLACE, SHARED, ShareBody, ViewBody, save, share

MOST = 100  # of each list
ENDS = (7, 30)  # days


@page("usage/views.html", cached=False)
def views(request, filters):
    """What is saved and shared, and the page it was opened from, to be saved or shared."""
    here = request.GET.get("for")
    here = here if here in PAGES else "overview"
    query = _whole(request, here)
    return {
        "here": here,
        "title": TITLES[here],
        "whole": query,
        "next": f"{reverse(here)}?{query}",
        "views": SavedView.objects.all()[:MOST],
        "more_views": max(0, SavedView.objects.count() - MOST),
        **(_links() if is_let_in(request) else {}),
        "can_share": here in SHARED,
        "ends": ENDS,
    }


def _links():
    """Links that are open come first."""
    links = SharedView.objects.active_first()
    return {"links": links[:MOST], "more_links": max(0, links.count() - MOST)}


@changes("views")
def keep(request):
    """Save a view under a name."""
    save(**rest.valid(ViewBody, request.POST.dict()))
    return _("View saved.")


@changes("views")
def delete(request, view_id):
    """Delete the view; the page itself is not changed."""
    SavedView.objects.filter(pk=view_id).delete()
    return _("View deleted.")


@changes("views")
def rename(request, view_id):
    """Give a view another name; of another view that has this name it takes the place."""
    for view in SavedView.objects.filter(pk=view_id):
        body = rest.valid(ViewBody, {**request.POST.dict(), "page": view.page, "query": view.query})
        if body["name"] != view.name:
            save(**body)
            view.delete()
    return _("Name saved.")


@changes("views")
def share_view(request):
    """Make a link to a view, which the page shows this once."""
    _refuse_strangers(request)
    posted = {name: text for name, text in request.POST.dict().items() if text}
    token = share(**rest.valid(ShareBody, posted))
    origin = settings.APP_PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return render_to_string("usage/views/new_link.html", {"link": f"{origin}{reverse('shared', args=[token])}"})


@changes("views")
def revoke(request, link_id):
    """End a link, for all who have it."""
    _refuse_strangers(request)
    for link in SharedView.objects.filter(pk=link_id):
        link.revoke()
    return _("Link revoked.")


def _refuse_strangers(request):
    if not is_let_in(request):
        raise PermissionDenied(_("Without a login, links are made in a browser on this machine alone."))


def _whole(request, here) -> str:
    """The parameters of the page, with the columns that this browser has chosen."""
    query = request.query.copy()
    for name in PLACE:
        query.pop(name, None)
    if here == "requests" and (columns := request.COOKIES.get(COOKIE)):
        query.setdefault(SHOWN, columns)
    return query.urlencode()

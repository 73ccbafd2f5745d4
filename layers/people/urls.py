"""Addresses of the pages; the API's part is mounted with the API."""

from django.urls import path

from layers.people.views import pages, public, setting, work

urlpatterns = [
    path("", pages.people_page, name="people"),
    path("new/", pages.person_form, name="new-person"),
    path("proposals/", pages.proposals_page, name="proposals"),
    path("roster/", work.roster_page, name="roster"),
    path("subsidies/", work.subsidies_page, name="subsidies"),
    path("outlets/<int:outlet_id>/", work.outlet_page, name="outlet"),
    path("settings/", setting.settings_page, name="staff-settings"),
    path("<int:staff_id>/", pages.person_page, name="person"),
    path("<int:staff_id>/edit/", pages.person_form, name="edit-person"),
    path("<int:staff_id>/photo.jpg", pages.photo, name="photo"),
    path("grids/<int:grid_id>/", pages.grid_people, name="grid-people"),
    path("posts/new/", pages.post_form, name="new-post"),
    path("posts/<int:post_id>/edit/", pages.post_form, name="edit-post"),
    path("posts/<int:post_id>/", pages.post_people, name="post-people"),
]
sheets = [
    path("<slug:token>/", public.sheet_page, name="sheet"),
    path("<slug:token>/qr.svg", public.sheet_qr, name="sheet-qr"),
    path("<slug:token>/photo/<int:assignment_id>.jpg", public.sheet_photo, name="sheet-photo"),
]

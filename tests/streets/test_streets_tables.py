"""The tables of streets and buildings: what the database refuses."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import IntegrityError, transaction

from layers.grids.models import SRID
from layers.streets.models import Building, Street
from tests.factories import InstitutionFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_building_is_a_point_or_an_outline():
    bank = InstitutionFactory()
    Building.objects.create(institution=bank, geom=Point(113, 30, srid=SRID))
    with pytest.raises(IntegrityError, match="building_is_a_point_or_an_outline"), transaction.atomic():
        Building.objects.create(institution=bank, geom=LineString((113, 30), (113.1, 30), srid=SRID))


def test_a_street_has_two_different_ends_or_more():
    with pytest.raises(IntegrityError, match="street_line_is_valid"), transaction.atomic():
        Street.objects.create(institution=InstitutionFactory(), geom=LineString((113, 30), (113, 30), srid=SRID))


def test_the_code_of_a_building_is_unique_in_its_institution():
    bank = InstitutionFactory()
    Building.objects.create(institution=bank, code="1", geom=Point(113, 30, srid=SRID))
    Building.objects.create(institution=InstitutionFactory(), code="1", geom=Point(113, 30, srid=SRID))
    with pytest.raises(IntegrityError, match="building_code_is_unique"), transaction.atomic():
        Building.objects.create(institution=bank, code="1", geom=Point(113, 30, srid=SRID))


def test_the_whole_bank_sees_them_and_no_other():
    bank, other = InstitutionFactory(), InstitutionFactory()
    branch = InstitutionFactory(parent=bank)
    street = Street.objects.create(institution=bank, geom=LineString((113, 30), (113.1, 30), srid=SRID))
    assert list(Street.objects.visible_to(UserFactory(institution=branch))) == [street]
    assert not Street.objects.visible_to(UserFactory(institution=other)).exists()
    assert list(Street.objects.visible_to(UserFactory(institution=other, role="regulator"))) == [street]

"""What banks have added to the kinds of posts becomes kinds of the layer; and the database keeps the grid of each post."""

from django.db import migrations

from layers.features.homes import keep_homes

TERMS_TO_KINDS = """
    INSERT INTO feature_kind (institution_id, layer, key, name, name_en, icon, colour, attributes, position, is_active, domain)
    SELECT DISTINCT ON (bank.id, term.code) bank.id, 'posts', term.code, term.name, term.name_en, 'map-pin', '#0072b2', '[]'::jsonb, 100, true, ''
    FROM term JOIN institution ON institution.id = term.institution_id JOIN institution AS bank ON bank.path = bank_of(institution.path)
    WHERE term.vocabulary = 'post'
    ORDER BY bank.id, term.code, institution.path
    ON CONFLICT DO NOTHING;
    DELETE FROM term WHERE vocabulary = 'post'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0005_posts_are_a_layer"),
    ]

    operations = [
        migrations.RunSQL(TERMS_TO_KINDS, migrations.RunSQL.noop),
        keep_homes("post", "posts"),
    ]

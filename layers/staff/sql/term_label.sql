-- What a code of people's vocabularies is called: the built-in word (given as JSON), else what the institution at a path, or the
-- nearest above it, calls it; else the code.
CREATE FUNCTION term_label(built_in jsonb, the_vocabulary text, the_code text, the_path text, language text) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(
    built_in #>> ARRAY[the_vocabulary, the_code],
    (SELECT coalesce(CASE WHEN language = 'en' THEN nullif(term.name_en, '') END, term.name)
     FROM term JOIN institution ON institution.id = term.institution_id
     WHERE term.vocabulary = the_vocabulary AND term.code = the_code AND the_path LIKE institution.path || '%'
     ORDER BY institution.path DESC
     LIMIT 1),
    the_code);

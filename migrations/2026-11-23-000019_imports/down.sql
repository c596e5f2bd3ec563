drop table import_rows;
drop table imports;

-- The part that an anchor was cut from is the longest one, of several the first.
select set_config('vouch.scope', 'installation', true);
update exclusions set anchor = '~' || (
    select part from unnest(string_to_array(key, '*')) with ordinality as parts (part, place)
    order by char_length(part) desc, place limit 1)
where anchor like '~%' and char_length(anchor) = 13;
update exclusion_terms set anchor = '~' || (
    select part from unnest(string_to_array(key, '*')) with ordinality as parts (part, place)
    order by char_length(part) desc, place limit 1)
where anchor like '~%' and char_length(anchor) = 13;
update exclusions set shape = 'contains' where shape = 'composed' and key ~ '^\*[^*]+\*$';
select set_config('vouch.scope', '', true);
comment on column exclusions.shape is 'exact: a code; begins: X*; ends: *X; contains: *X*; composed: a * between two parts.';

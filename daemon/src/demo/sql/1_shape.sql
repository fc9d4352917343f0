-- The fixed shape of the shop: chance, calendar, countries. Nothing here is kept but `calendar`.
-- Chance is a hash of a whole number and a seed, so the same span gives the same shop.
create temp macro chance(k, seed) as (hash(k::bigint * 64 + seed) >> 11) / 9007199254740992.0;
create temp macro pick(list, k, seed) as list[1 + floor(len(list) * chance(k, seed))::int];

create temp table span as
select last_day,
    (last_day - interval 4 years + interval 1 day)::date as first_day,
    -- A whole week, Monday to Sunday, about fourteen months back.
    date_trunc('week', last_day - interval 14 months)::date as outage_from,
    date_trunc('week', last_day - interval 14 months)::date + 6 as outage_to,
    -- A whole month, five months back.
    date_trunc('month', last_day - interval 5 months)::date as faulty_month
from chosen;

create table calendar as
select unnest(generate_series(date_trunc('year', first_day - interval 2 years), last_day::timestamp, interval 1 day))::date as day
from span;

create temp table countries as
select * from (values
    (1, 'Germany', 'Central Europe', 26, 0.46, ['Berlin', 'Hamburg', 'Munich', 'Cologne', 'Frankfurt', 'Leipzig', 'Stuttgart', 'Bremen']),
    (2, 'France', 'Western Europe', 17, 0.42, ['Paris', 'Lyon', 'Marseille', 'Toulouse', 'Bordeaux', 'Nantes', 'Lille']),
    (3, 'Netherlands', 'Western Europe', 12, 0.58, ['Amsterdam', 'Rotterdam', 'Utrecht', 'Eindhoven', 'Groningen']),
    (4, 'Italy', 'Southern Europe', 11, 0.30, ['Milan', 'Rome', 'Turin', 'Bologna', 'Naples', 'Florence']),
    (5, 'Spain', 'Southern Europe', 10, 0.32, ['Madrid', 'Barcelona', 'Valencia', 'Seville', 'Bilbao']),
    (6, 'Austria', 'Central Europe', 7, 0.40, ['Vienna', 'Graz', 'Linz', 'Salzburg', 'Innsbruck']),
    (7, 'Belgium', 'Western Europe', 7, 0.44, ['Brussels', 'Antwerp', 'Ghent', 'Bruges']),
    (8, 'Ireland', 'Western Europe', 4, 0.66, ['Dublin', 'Cork', 'Galway']),
    (9, 'Portugal', 'Southern Europe', 3, 0.62, ['Lisbon', 'Porto', 'Braga']),
    (10, 'Finland', 'Northern Europe', 3, 0.70, ['Helsinki', 'Tampere', 'Turku'])
) as c(country_id, country, region, weight, online, cities);

-- As many slots as the weight: choosing a slot is choosing by weight.
create temp table country_slots as
select row_number() over () - 1 as slot, * exclude (weight)
from (select *, unnest(range(weight)) from countries order by country_id);

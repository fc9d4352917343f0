-- Orders: growth over the years, a December peak, a summer dip, weekends, sales weeks.
create temp table days as
with weighed as (
    select day, month(day) as month, isodow(day) as weekday,
        0.62 + 0.76 * (day - first_day) / (last_day - first_day) as growth,
        [0.92, 0.88, 0.95, 0.99, 1.0, 0.94, 0.84, 0.80, 0.97, 1.04, 1.24, 1.52][month(day)] as season,
        [0.94, 0.90, 0.92, 0.96, 1.08, 1.25, 0.95][isodow(day)] as weekend,
        case when month(day) = 11 and day(day) between 23 and 29 then 1.45
             when month(day) = 12 and day(day) between 25 and 26 then 0.35
             when month(day) = 12 and day(day) > 26 then 0.75
             when month(day) = 1 and day(day) = 1 then 0.4 else 1 end as special,
        case when month(day) = 11 and day(day) between 23 and 29 then 3
             when (month(day) = 1 and day(day) between 7 and 24) or (month(day) = 7 and day(day) between 1 and 20) then 2 else 0 end as sale,
        0.93 + 0.14 * chance(datediff('day', date '2000-01-01', day), 12) as noise
    from calendar, span where day >= first_day
), counted as (
    select *, round(360000 * growth * season * weekend * special * noise
        / sum(growth * season * weekend * special) over ())::int as orders
    from weighed
)
select c.*, s.slots, sum(orders) over (order by day) - orders as before
from counted c join slots_by_day s using (day);

create temp table wishes as
select before + i as k, day, weekday, sale, growth, floor(slots * chance(before + i, 13))::bigint as slot
from (select *, unnest(range(orders)) as i from days);

create temp table bought as
select k, day, weekday, sale, growth, customer_id, country, segment, online, floor(60 * chance(k, 16))::int as store_slot
from wishes join customer_slots using (slot);

create temp table placed as
with routed as (
    select b.*, s.store_id,
        -- Web and app gain on the stores year by year; few stores open on Sundays.
        case when opened_on <= day and chance(k, 14) >= least(0.9, online + 0.16 * (growth - 1)
                + case weekday when 7 then 0.38 when 6 then -0.12 else 0 end) then 'store'
             when chance(k, 17) < 0.10 + 0.36 * (growth - 0.62) then 'app' else 'web' end as channel
    from bought b join store_slots s on s.country = b.country and s.slot = b.store_slot
)
select k, day, sale, customer_id, segment, channel, country,
    -- What is ordered on the web and in the app belongs to the online shop.
    case channel when 'store' then store_id else 0 end as store_id,
    day between outage_from and outage_to and channel <> 'store' and country = 'Netherlands' as in_outage
from routed, span;

-- Orders that were never placed leave a gap in the numbers.
create table orders as
select k::bigint + 100001 as order_id,
    day + to_seconds(case channel
        when 'store' then 9 * 3600 + floor(39600 * (chance(k, 18) + chance(k, 19)) / 2)::bigint
        else (floor(86399 * (0.17 + 0.86 * (0.45 * chance(k, 18) + 0.55 * sqrt(chance(k, 19)))))::bigint) % 86400 end) as ordered_at,
    customer_id, store_id, p.country, c.region, channel,
    case when in_outage and chance(k, 20) < 0.4 then 'cancelled' when chance(k, 20) < 0.024 then 'cancelled'
         when day > last_day - 2 and channel <> 'store' then 'processing'
         when day > last_day - 5 and channel <> 'store' then 'shipped' else 'completed' end as status,
    case when channel = 'store' then case when chance(k, 21) < 0.24 then 'cash' when chance(k, 21) < 0.95 then 'card' else 'gift card' end
         when segment = 'corporate' and chance(k, 21) < 0.7 then 'invoice'
         when chance(k, 21) < 0.46 then 'card' when chance(k, 21) < 0.78 then 'paypal' when chance(k, 21) < 0.88 then 'invoice'
         when chance(k, 21) < 0.96 then 'bank transfer' else 'gift card' end as payment_method,
    case when sale > 0 and chance(k, 22) < 0.25 * sale then [10, 15, 20, 30][least(4, 1 + floor(2 * chance(k, 23))::int + sale - 1)]
         when chance(k, 22) < 0.09 then 10 else 0 end::int as discount_percent,
    case when channel = 'store' or chance(k, 24) < 0.35 then 0 when chance(k, 24) > 0.93 then 12.90
         when p.country in ('Germany', 'Netherlands', 'Belgium') then 4.95 else 6.95 end::decimal(10, 2) as shipping
from placed p join countries c on c.country = p.country, span
-- The outage: seven of eight orders could not be paid and were never placed.
where not (in_outage and chance(k, 25) < 0.875);

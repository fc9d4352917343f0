-- Returns, and one product that came back far too often in one month.
create temp table faulty as
select product_id from order_lines, span
where ordered_on >= faulty_month and ordered_on < faulty_month + interval 1 month
    and product_id in (select product_id from products where category = 'Appliances')
group by product_id order by count(*) desc, product_id limit 1;

create table returns as
with candidates as (
    select l.*, o.channel, b.returned, b.category,
        l.product_id in (from faulty) and ordered_on >= faulty_month and ordered_on < faulty_month + interval 1 month as is_faulty,
        (ordered_on + 3 + floor(20 * pow(chance(line_id, 30), 1.6))::int)::date as returned_on, last_day
    from span, order_lines l
    join orders o using (order_id)
    join product_base b using (product_id)
    where o.status <> 'cancelled'
        -- No product but the faulty one comes back more often than this.
        and (chance(line_id, 31) < 0.11 or l.product_id in (from faulty))
), decided as (
    select *, case when is_faulty then 0.45 else returned * case when channel = 'store' then 0.75 else 1.3 end end as probability
    from candidates
)
select row_number() over (order by line_id) as return_id, line_id, order_id, product_id, returned_on,
    case when is_faulty then 'defective'
         when category = 'Home Textiles' and chance(line_id, 32) < 0.4 then 'wrong size'
         else pick(['changed mind', 'changed mind', 'changed mind', 'not as described', 'not as described', 'defective',
                    'arrived late', 'damaged in transit', 'wrong size'], line_id, 33) end as reason,
    returned_quantity as quantity, (amount * returned_quantity / quantity)::decimal(10, 2) as refund
from (select *, case when chance(line_id, 34) < 0.5 then quantity else 1 end::int as returned_quantity from decided)
where chance(line_id, 31) < probability and returned_on <= last_day
order by return_id;

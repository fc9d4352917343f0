-- Order lines. Prices were lower in earlier years.
create temp table baskets as
select order_id * 10 + i as line_id, order_id, ordered_on, month, discount_percent, payment_method, price_level,
    floor(slots * chance(order_id * 10 + i, 27))::bigint as slot
from (
    select order_id, ordered_at::date as ordered_on, month(ordered_at) as month, discount_percent, payment_method,
        1 - 0.028 * (last_day - ordered_at::date) / 365.25 as price_level,
        unnest(range([1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 6][1 + floor(16 * chance(order_id, 26))::int])) as i
    from orders, span
) join slots_by_month using (month);

create table order_lines as
with priced as (
    select line_id, order_id, product_id, ordered_on, discount_percent, cost, price_level,
        case when chance(line_id, 28) < 0.78 then 1 when chance(line_id, 28) < 0.94 then 2 else 3 end
            + case when payment_method = 'invoice' and chance(line_id, 29) < 0.3 then 3 else 0 end as quantity,
        (round(list_price * price_level * 10) / 10 - 0.01)::decimal(10, 2) as unit_price
    from baskets join product_slots using (month, slot) join products using (product_id)
), discounted as (
    select *, (quantity * unit_price * discount_percent / 100)::decimal(10, 2) as discount from priced
)
select line_id, order_id, product_id, ordered_on, quantity, unit_price, discount,
    (quantity * unit_price - discount)::decimal(10, 2) as amount,
    (quantity * (cost * (0.5 + price_level / 2))::decimal(10, 2))::decimal(10, 2) as cost
from discounted;

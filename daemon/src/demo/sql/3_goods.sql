-- What is sold, and where.
create temp table categories as
-- Nouns stand from cheap to dear; the last list is the demand from January to December.
select * from (values
    (1, 'Cookware', 'Kitchen', 18, 160, 0.44, 0.018, ['Lid Set', 'Milk Pan', 'Roasting Tin', 'Saucepan', 'Frying Pan', 'Grill Pan', 'Steamer', 'Wok', 'Tagine', 'Stockpot', 'Casserole'],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1.1, 1.3, 1.5]),
    (2, 'Tableware', 'Kitchen', 8, 90, 0.52, 0.030, ['Butter Dish', 'Espresso Cups', 'Serving Board', 'Carafe', 'Salad Bowl', 'Mug Set', 'Teapot', 'Bowl Set', 'Wine Glass Set', 'Cutlery Set', 'Dinner Plate Set'],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.3, 1.6]),
    (3, 'Appliances', 'Kitchen', 35, 420, 0.31, 0.045, ['Hand Mixer', 'Kettle', 'Toaster', 'Coffee Grinder', 'Waffle Maker', 'Rice Cooker', 'Blender', 'Air Fryer', 'Food Processor', 'Stand Mixer', 'Espresso Machine'],
        [1, 0.9, 0.9, 0.9, 1, 0.9, 0.9, 0.9, 1, 1.1, 1.6, 1.8]),
    (4, 'Lighting', 'Living', 15, 240, 0.50, 0.035, ['Night Light', 'String Lights', 'Spotlight', 'Reading Light', 'Lantern', 'Desk Lamp', 'Wall Light', 'Table Lamp', 'Ceiling Light', 'Pendant', 'Floor Lamp'],
        [1.2, 1.1, 0.9, 0.8, 0.7, 0.6, 0.6, 0.8, 1.1, 1.4, 1.6, 1.6]),
    (5, 'Furniture', 'Living', 60, 900, 0.39, 0.050, ['Side Table', 'Bar Stool', 'Dining Chair', 'Bench', 'Coffee Table', 'Shelf Unit', 'Bookcase', 'Armchair', 'Sideboard', 'Bed Frame', 'Wardrobe'],
        [1.3, 1.1, 1, 1, 0.9, 0.8, 0.8, 1, 1.2, 1.1, 1, 0.8]),
    (6, 'Home Textiles', 'Living', 9, 130, 0.56, 0.075, ['Pillowcase', 'Table Runner', 'Bath Mat', 'Cushion', 'Towel Set', 'Bed Sheet', 'Throw', 'Bathrobe', 'Curtain Pair', 'Duvet Cover', 'Rug'],
        [1.3, 1, 0.9, 0.9, 0.8, 0.8, 0.8, 0.9, 1, 1.2, 1.3, 1.4]),
    (7, 'Hand Tools', 'Garden', 7, 85, 0.47, 0.020, ['Trowel', 'Weeder', 'Watering Can', 'Pruner', 'Rake', 'Garden Fork', 'Spade', 'Lopper', 'Hedge Shears', 'Hose Reel', 'Wheelbarrow'],
        [0.3, 0.6, 1.6, 2.2, 2.2, 1.7, 1.2, 1, 1, 0.8, 0.4, 0.3]),
    (8, 'Barbecue', 'Garden', 20, 480, 0.36, 0.030, ['Grill Brush', 'Grill Tongs', 'Skewer Set', 'Grill Cover', 'Charcoal Starter', 'Pizza Stone', 'Plancha', 'Fire Bowl', 'Kettle Grill', 'Smoker', 'Gas Grill'],
        [0.2, 0.3, 0.9, 1.9, 2.5, 2.6, 2.2, 1.4, 0.6, 0.3, 0.3, 0.4]),
    (9, 'Planters', 'Garden', 6, 110, 0.55, 0.022, ['Seed Tray', 'Herb Pot', 'Orchid Pot', 'Hanging Basket', 'Terracotta Pot', 'Trellis', 'Window Box', 'Self-watering Pot', 'Plant Stand', 'Tall Planter', 'Raised Bed'],
        [0.5, 0.8, 1.6, 2.1, 2, 1.4, 1, 0.8, 0.8, 0.7, 0.5, 0.5]),
    (10, 'Toys', 'Leisure', 6, 95, 0.45, 0.022, ['Card Game', 'Puzzle', 'Craft Box', 'Kite', 'Board Game', 'Plush Bear', 'Building Blocks', 'Marble Run', 'Wooden Train', 'Doll House', 'Balance Bike'],
        [0.6, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.7, 0.8, 1.1, 2.2, 3.4]),
    (11, 'Fitness', 'Leisure', 10, 320, 0.43, 0.055, ['Skipping Rope', 'Push-up Handles', 'Resistance Bands', 'Yoga Mat', 'Foam Roller', 'Medicine Ball', 'Pull-up Bar', 'Balance Board', 'Kettlebell', 'Dumbbell Set', 'Exercise Bike'],
        [2.4, 1.6, 1.2, 1, 0.9, 0.8, 0.7, 0.8, 1.1, 0.9, 0.9, 0.8]),
    (12, 'Bags', 'Leisure', 15, 210, 0.51, 0.040, ['Toiletry Kit', 'Tote', 'Belt Bag', 'Laptop Sleeve', 'Shopper', 'Picnic Cooler', 'Backpack', 'Messenger', 'Duffel', 'Weekender', 'Cabin Case'],
        [0.7, 0.8, 0.9, 1, 1.2, 1.6, 1.7, 1.6, 1.1, 0.8, 0.9, 1.1])
) as c(category_id, category, department, lowest, highest, margin, returned, nouns, season);

create temp table product_base as
select (category_id - 1) * 33 + n.i * 3 + v.i + 1 as product_id, c.*, nouns[n.i + 1] as noun,
    ['Alba', 'Corso', 'Mira', 'Tove', 'Juna', 'Pico'][1 + (n.i + v.i * 2 + category_id) % 6] as series,
    ['Halvarsen', 'Kestrel', 'Oakmoor', 'Lumio', 'Casa Verde', 'Brandt', 'Fjordlin', 'Maison Roux', 'Terrano', 'Pinecroft',
     'Velt', 'Sollis', 'Noorder', 'Arco', 'Tindra', 'Wexcombe', 'Bellavio', 'Grauwald'][1 + (category_id * 5 + v.i * 7 + n.i % 2) % 18] as brand,
    (n.i + chance(category_id * 100 + n.i, 9) + v.i * 0.6) / 13 as level
from categories c, range(11) as n(i), range(3) as v(i);

create table products as
select product_id, brand || ' ' || series || ' ' || noun as name, category, department, brand,
    -- Shop prices: they end in 9 cents.
    ((floor((lowest * pow(highest / lowest, level)) * 10) / 10) + 0.09)::decimal(10, 2) as list_price,
    ((lowest * pow(highest / lowest, level)) * (1 - margin - 0.08 * (chance(product_id, 10) - 0.5)))::decimal(10, 2) as cost
from product_base
order by product_id;

-- A few products make most of the sales, and every month has its own favourites.
create temp table product_slots as
with ranked as (
    select product_id, season, row_number() over (order by chance(product_id, 11)) as rank from product_base
)
select month, row_number() over (partition by month order by product_id, i) - 1 as slot, product_id
from (
    select month, product_id, unnest(range(1 + floor(2600 / pow(rank + 9, 0.95) * season[month] / 6)::int)) as i
    from ranked, range(1, 13) as m(month)
);

create temp table slots_by_month as select month, count(*) as slots from product_slots group by month;

create table stores as
select 0 as store_id, 'Online shop' as name, 'all countries' as country, 'all regions' as region, 'online' as kind, first_day - 730 as opened_on
from span
union all
select place as store_id, s.name, c.country, c.region, s.kind, (span.last_day - opened)::date as opened_on
from span, (values
    (1, 'Berlin Mitte', 1, 'flagship', 6100), (2, 'Berlin Charlottenburg', 1, 'city', 3900), (3, 'Hamburg Altona', 1, 'city', 5200),
    (4, 'Hamburg Hafen', 1, 'outlet', 2100), (5, 'Munich Marienplatz', 1, 'flagship', 5600), (6, 'Munich Riem', 1, 'mall', 2900),
    (7, 'Cologne Dom', 1, 'city', 4300), (8, 'Frankfurt Zeil', 1, 'city', 4100), (9, 'Leipzig Nova', 1, 'mall', 1900),
    (10, 'Stuttgart Mitte', 1, 'city', 1020), (11, 'Paris Marais', 2, 'flagship', 5000), (12, 'Paris Bercy', 2, 'mall', 3100),
    (13, 'Lyon Bellecour', 2, 'city', 4000), (14, 'Marseille Joliette', 2, 'mall', 2600), (15, 'Toulouse Capitole', 2, 'city', 3300),
    (16, 'Bordeaux Lac', 2, 'outlet', 1700), (17, 'Lille Europe', 2, 'city', 640), (18, 'Amsterdam Jordaan', 3, 'flagship', 4700),
    (19, 'Rotterdam Markt', 3, 'city', 3600), (20, 'Utrecht Centraal', 3, 'mall', 2300), (21, 'Eindhoven Strijp', 3, 'outlet', 1500),
    (22, 'Milan Brera', 4, 'flagship', 4600), (23, 'Milan Rho', 4, 'outlet', 2000), (24, 'Rome Prati', 4, 'city', 3800),
    (25, 'Turin Lingotto', 4, 'mall', 2700), (26, 'Bologna Centro', 4, 'city', 900), (27, 'Madrid Salamanca', 5, 'flagship', 4200),
    (28, 'Madrid Norte', 5, 'mall', 2400), (29, 'Barcelona Eixample', 5, 'city', 3700), (30, 'Valencia Turia', 5, 'city', 1800),
    (31, 'Seville Triana', 5, 'city', 480), (32, 'Vienna Neubau', 6, 'flagship', 5300), (33, 'Graz Jakomini', 6, 'city', 2800),
    (34, 'Salzburg Europark', 6, 'mall', 2200), (35, 'Brussels Sablon', 7, 'city', 4400), (36, 'Antwerp Meir', 7, 'city', 3200),
    (37, 'Ghent Korenmarkt', 7, 'outlet', 1300), (38, 'Dublin Grafton', 8, 'city', 3500), (39, 'Lisbon Chiado', 9, 'city', 3000),
    (40, 'Helsinki Kamppi', 10, 'city', 2500)
) as s(place, name, country_id, kind, opened) join countries c using (country_id)
order by store_id;

-- Sixty slots a country, shared among its stores by their size.
create temp table store_slots as
with weighed as (
    select country, list(store_id order by store_id, i) as stores from (
        select country, store_id, unnest(range(case kind when 'flagship' then 5 when 'outlet' then 2 else 3 end)) as i
        from stores where kind <> 'online'
    ) group by country
), shared as (select country, stores, unnest(range(60)) as slot from weighed)
select shared.country, slot, store_id, opened_on
from shared join stores on store_id = shared.stores[1 + slot * len(shared.stores) // 60];

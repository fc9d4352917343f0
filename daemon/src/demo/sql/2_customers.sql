-- Customers in the order in which they signed up: two years of history before the first order, then growth.
create temp table first_names as
select unnest(range(80)) as at, unnest(['Anna', 'Marta', 'Sofia', 'Emma', 'Julia', 'Lena', 'Clara', 'Nora', 'Elena', 'Laura', 'Ines', 'Marie', 'Chloe', 'Alice',
     'Giulia', 'Paula', 'Carla', 'Lucia', 'Eva', 'Hanna', 'Saara', 'Aoife', 'Niamh', 'Ciara', 'Lotte', 'Femke', 'Sanne',
     'Katrin', 'Petra', 'Ursula', 'Beatriz', 'Joana', 'Camille', 'Margaux', 'Elise', 'Zoe', 'Mila', 'Ida', 'Greta', 'Frida',
     'Lukas', 'Jonas', 'Felix', 'Paul', 'Leon', 'Maxim', 'Tobias', 'Stefan', 'Matthias', 'Andreas', 'Pierre', 'Louis', 'Hugo',
     'Jules', 'Antoine', 'Marco', 'Luca', 'Matteo', 'Andrea', 'Paolo', 'Diego', 'Javier', 'Pablo', 'Sergio', 'Miguel', 'Joao',
     'Tiago', 'Rui', 'Daan', 'Sem', 'Bram', 'Lars', 'Pieter', 'Mikko', 'Antti', 'Juhani', 'Sean', 'Conor', 'Liam', 'Oisin']) as first;

create temp table last_names as
select unnest(range(92)) as at, unnest(['Becker', 'Schneider', 'Fischer', 'Weber', 'Wagner', 'Hoffmann', 'Koch', 'Richter', 'Klein', 'Wolf', 'Neumann', 'Schwarz',
     'Zimmermann', 'Hartmann', 'Lange', 'Krause', 'Lehmann', 'Huber', 'Maier', 'Gruber', 'Steiner', 'Moser', 'Bauer', 'Pichler',
     'Martin', 'Bernard', 'Dubois', 'Laurent', 'Moreau', 'Lefebvre', 'Garnier', 'Faure', 'Rousseau', 'Blanc', 'Girard', 'Mercier',
     'Chevalier', 'Perrin', 'Rossi', 'Russo', 'Ferrari', 'Bianchi', 'Romano', 'Colombo', 'Ricci', 'Marino', 'Greco', 'Conti',
     'Gallo', 'Costa', 'Fontana', 'Moretti', 'Garcia', 'Lopez', 'Sanchez', 'Perez', 'Gomez', 'Ruiz', 'Alvarez', 'Romero',
     'Navarro', 'Torres', 'Dominguez', 'Vazquez', 'Silva', 'Santos', 'Ferreira', 'Pereira', 'Oliveira', 'Carvalho', 'Almeida',
     'Jansen', 'Visser', 'Smit', 'Meijer', 'Mulder', 'Bakker', 'Peeters', 'Maes', 'Jacobs', 'Claes', 'Wouters', 'Goossens',
     'Murphy', 'Kelly', 'Byrne', 'Ryan', 'Walsh', 'Doyle', 'Nolan', 'Virtanen', 'Korhonen', 'Nieminen', 'Laine', 'Heikkinen']) as last;

create temp table people as
select range + 1 as customer_id, floor(80 * chance(range, 1))::int as first_at, floor(92 * chance(range, 2))::int as last_at,
    floor(100 * chance(range, 7))::int as slot,
    -- More and more sign up: the share that came before a day grows faster than the days.
    floor(2191 * pow((range + chance(range, 5)) / 60000.0, 0.72))::int as after
from range(60000);

create table customers as
select customer_id, first || ' ' || last as name, country, region, pick(cities, customer_id, 3) as city,
    case when chance(customer_id, 4) < 0.71 then 'consumer' when chance(customer_id, 4) < 0.93 then 'small business'
         else 'corporate' end as segment,
    least(first_day - 730 + after, last_day) as signed_up_on,
    case floor(9 * chance(customer_id, 6))::int when 0 then 'newsletter' when 1 then 'referral' when 2 then 'affiliate'
        when 3 then 'paid search' when 4 then 'paid search' when 5 then 'social media' when 6 then 'social media'
        else 'organic search' end as acquired_via
from span, people
join first_names f on f.at = first_at
join last_names l on l.at = last_at
join country_slots using (slot)
order by customer_id;

-- Some customers buy again and again: a customer has as many slots as it is keen.
create temp table customer_slots as
select row_number() over () - 1 as slot, * from (
    select customer_id, c.country, segment, online, signed_up_on,
        unnest(range(least(90, 1 + floor(0.55 / pow(chance(customer_id, 8), 0.75)
            * case segment when 'corporate' then 3 when 'small business' then 1.6 else 1 end)::int))) as i
    from customers c join countries using (country)
    order by customer_id, i
);

create temp table slots_by_day as
with last_slot as (select signed_up_on as day, max(slot) + 1 as slots from customer_slots group by all)
select day, max(slots) over (order by day) as slots
from calendar left join last_slot using (day);

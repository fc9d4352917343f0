-- Which conversation was used last is counted, not dated: a clock that is set back must not change it.
alter table sessions add column touched integer not null default 0;
update sessions set touched = r.n
  from (select id, row_number() over (order by updated_at, id) as n from sessions) r
  where r.id = sessions.id;
drop index sessions_by_update;
create index sessions_by_touch on sessions (touched desc);

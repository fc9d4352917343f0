-- One file of small transactional rows. Times are UTC ISO 8601 text; ids are UUIDs as text.
create table store (
  key   text primary key,
  value text not null
);

create table sources (
  name       text primary key,
  kind       text not null,
  path       text not null,
  models     text,
  types      text not null,
  aliases    text not null,
  created_at text not null
);

create table sessions (
  id         text primary key,
  title      text not null,
  source     text,
  created_at text not null,
  updated_at text not null
);
create index sessions_by_update on sessions (updated_at desc);

-- `answer` is the answer as the wire knows it, once the turn is over; `follow_up` is what the provider needs to read
-- the next question of the session.
create table turns (
  id          text primary key,
  session_id  text not null references sessions (id) on delete cascade,
  position    integer not null,
  question    text not null,
  provider    text not null,
  status      text not null,
  answer      text,
  follow_up   text,
  created_at  text not null,
  finished_at text,
  unique (session_id, position)
);
create index turns_by_status on turns (status);

create table events (
  session_id text not null references sessions (id) on delete cascade,
  seq        integer not null,
  turn_id    text not null,
  kind       text not null,
  body       text not null,
  primary key (session_id, seq)
) without rowid;

create table jobs (
  id          text primary key,
  kind        text not null,
  status      text not null,
  request     text not null,
  outcome     text,
  created_at  text not null,
  finished_at text
);

create table profiles (
  key        text primary key,
  stamp      text not null,
  profile    text not null,
  created_at text not null
);

-- Append-only. Each line holds the hash of the line before it.
create table audit (
  seq   integer primary key,
  line  text not null,
  hash  text not null
);
create trigger audit_is_append_only_update before update on audit begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_is_append_only_delete before delete on audit begin select raise(abort, 'the audit log is append-only'); end;

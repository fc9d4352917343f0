-- What others than the owner may read, and how. A subject is `everyone`, `role:..`, `tenant:..`, `swarm:..`, `user:..` or `agent:..`.
create table grants (
  subject    text not null,
  source     text not null,
  schema     text not null,
  name       text not null,
  created_at text not null,
  primary key (subject, source, schema, name)
) without rowid;

-- Column treatments and a row filter, as JSON.
create table table_rules (
  subject    text not null,
  source     text not null,
  schema     text not null,
  name       text not null,
  rule       text not null,
  updated_at text not null,
  primary key (subject, source, schema, name)
) without rowid;

create table limits (
  subject    text primary key,
  limits     text not null,
  updated_at text not null
) without rowid;

-- What people say of a table.
create table table_notes (
  source      text not null,
  schema      text not null,
  name        text not null,
  description text,
  tags        text not null,
  primary key (source, schema, name)
) without rowid;

-- Statements of a day, counted for those whose number is limited.
create table usage (
  subject    text not null,
  day        text not null,
  statements integer not null,
  primary key (subject, day)
) without rowid;

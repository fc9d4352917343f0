-- Local copies of tables and queries. `file` is the name of the file that holds the data, none where there is none.
create table replicas (
  name       text primary key,
  source     text not null,
  definition text not null,
  file       text,
  rows       integer,
  bytes      integer,
  data_at    text,
  cursor     text,
  used_at    text,
  created_at text not null
);

create table replica_refreshes (
  id       integer primary key,
  replica  text not null references replicas (name) on delete cascade,
  begun_at text not null,
  ended_at text,
  mode     text not null,
  outcome  text not null,
  rows     integer not null default 0,
  error    text
);

create index replica_refreshes_by_replica on replica_refreshes (replica, id desc);

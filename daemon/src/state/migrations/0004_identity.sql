-- Who may ask. Secrets are kept as hashes only; a token may have two valid ones while it is rotated.
create table tokens (
  id           text primary key,
  kind         text not null check (kind in ('swarm', 'agent')),
  label        text not null,
  swarm_id     text references tokens (id),
  tenant       text,
  roles        text not null,
  created_at   text not null,
  expires_at   text,
  last_used_at text,
  revoked_at   text
);
create index tokens_by_swarm on tokens (swarm_id);

create table token_secrets (
  hash       text primary key,
  token_id   text not null references tokens (id) on delete cascade,
  created_at text not null,
  expires_at text
) without rowid;
create index token_secrets_by_token on token_secrets (token_id);

create table users (
  name         text primary key,
  email        text not null,
  display_name text not null,
  password     text not null,
  roles        text not null,
  tenant       text,
  created_at   text not null,
  disabled_at  text
);

-- One login; every JWT names its own, and is worth nothing once it has ended.
create table logins (
  id         text primary key,
  user       text not null references users (name) on delete cascade,
  created_at text not null,
  expires_at text not null,
  ended_at   text
);
create index logins_by_user on logins (user);

-- How long the statements of a day ran, for those whose cost is limited.
alter table usage add column spent_ms integer not null default 0;

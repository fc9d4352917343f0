-- The audit log lives in files of its own. What stands here is how far they are known to reach, so that lines cut from
-- their end and files taken away are missed; never ahead of the files.
create table audit_note (
  id              integer primary key check (id = 1),
  seq             integer not null,
  hash            text not null,
  segment         integer not null,
  oldest_segment  integer not null,
  oldest_seq      integer not null,
  oldest_previous text not null
);
insert into audit_note values (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1, 1,
  '0000000000000000000000000000000000000000000000000000000000000000');

-- Lines from before move into the files at the next start; then the table is emptied.
drop trigger audit_is_append_only_update;
drop trigger audit_is_append_only_delete;

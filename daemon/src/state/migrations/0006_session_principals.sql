-- Whose a conversation is: the name of a principal. Those from before are the owner's.
alter table sessions add column principal text not null default 'owner';
create index sessions_by_principal on sessions (principal, touched desc);

-- What an answer took, apart from the answer, which can be large.
alter table turns add column usage text;

-- What opens an encrypted database: `kept` where it lies among the secrets, else where it is read from (`env:NAME`, `file:/PATH`).
alter table sources add column key text;

//! Questions over three models: the shop of the shared cases, a hospital and a software firm.

mod hospital;
mod property;
mod script;
mod shop;
mod software;
mod speed;

//! A profile as people see it: in the terminal, and as one page for a browser.

mod figures;
mod html;
mod text;

pub use html::page;
pub use text::view;

#[cfg(test)]
mod samples;

//! Pure drawing, shared with `wharf ask`: charts, table previews and Markdown become styled lines.

pub mod chart;
pub mod markdown;
pub mod table;

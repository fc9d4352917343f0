//! What crosses the wire between `wharf` and `wharfd`: requests, replies, events, error kinds.
//!
//! Types only, no behaviour beyond what a reader of the wire needs: both sides and every door depend on this package,
//! and it depends on nobody. Times are UTC ISO 8601 text; absent values are `null`.

mod cell;
mod chart;
mod daemon;
mod done;
mod error;
mod event;
mod identity;
mod metadata;
mod metric;
mod model;
mod policy;
mod profile;
mod query;
mod replica;
mod session;
mod source;

pub use cell::{Cell, grouped, headings};
pub use chart::{Chart, ChartField, ChartMark};
pub use daemon::{Hello, Status, StopReply};
pub use done::Done;
pub use error::{ApiError, ErrorKind};
pub use event::{Completion, Event, EventBody, EventKind, Text, Thinking, ToolCall, TurnBegan};
pub use identity::{
    LoginRequest, Permission, Permissions, Role, Token, TokenCreate, TokenIssued, TokenKind, TokenResponse,
    TokenRotate, User, UserCreate, UserUpdate,
};
pub use metadata::{
    Catalog, MetadataColumn, MetadataTable, Schema, SqlCompletion, SqlSuggestion, SuggestionKind,
};
pub use metric::{MetricColumn, MetricInfo, MetricReply, MetricRequest, ModelSummary};
pub use model::{
    ModelDetail, ModelDimension, ModelEntity, ModelInfo, ModelMeasure, ModelMetric, Page, Pagination,
};
pub use policy::{
    Grant, GrantAction, GrantChange, LimitsEntry, ListedTable, PolicyBook, PolicyChange, PolicyChanged,
    PolicyTest, PolicyVerdict, RuleEntry, SubjectLimits, TableNote, TableRule,
};
pub use profile::{
    Alert, Bin, ColumnProfile, Correlation, Figure, NumberStats, Profile, ProfileRequest, Quantile,
    TextStats, TopValue,
};
pub use query::{Column, ColumnKind, Format, Param, QueryRequest, QueryStats, Sample, SampleRequest};
pub use replica::{Incremental, Replica, ReplicaAdd, ReplicaRefresh, ReplicaRefreshRequest};
pub use session::{
    Answer, AskRequest, AskStarted, ChatReply, ChatRequest, Offer, ResponseMetadata, Rows, Session,
    SessionCreate, SessionUpdate, Tokens, Turn, TurnStatus, Usage,
};
pub use source::{Source, SourceAdd, SourceKey, SourceKind, SourceTest, Table, TableColumn};

/// The number both sides must share. It changes only when an old client would misread a new daemon.
pub const PROTOCOL: u32 = 1;

/// Header that names a statement or a turn across client, daemon log and audit.
pub const REQUEST_ID: &str = "x-request-id";
/// Header of a streamed result: the id under which its outcome can be asked for afterwards.
pub const QUERY_ID: &str = "x-wharf-query-id";
/// Header in which a client names the output descriptor it has handed over beforehand.
pub const OUTPUT_ID: &str = "x-wharf-output";

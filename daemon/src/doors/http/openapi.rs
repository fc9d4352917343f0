//! Routes and their description, written down together: what is served is what OpenAPI tells.

use super::access::{Need, Watch, hold};
use super::rates::Class;
use crate::Rooms;
use axum::Router;
use axum::middleware;
use axum::routing::{self, MethodRouter};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    ResponseBuilder,
};
use wharf_protocol::{ApiError, Pagination, Permission};

/// What one route does, for people and for clients that are generated.
pub(super) struct Doc {
    summary: &'static str,
    tag: &'static str,
    query: Vec<(&'static str, Kind, &'static str)>,
    body: Option<Shape>,
    /// Whether the body may be left away.
    body_if_any: bool,
    status: u16,
    reply: Reply,
}

/// What a parameter takes.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    OneOf(&'static [&'static str]),
}

impl Kind {
    fn schema(self) -> ObjectBuilder {
        let shape = ObjectBuilder::new();
        match self {
            Self::Text => shape.schema_type(Type::String),
            Self::Number => shape.schema_type(Type::Integer).minimum(Some(0)),
            Self::OneOf(words) => shape.schema_type(Type::String).enum_values(Some(words.iter().copied())),
        }
    }
}

type Schemas = Vec<(String, RefOr<Schema>)>;

/// Makes a shape, and adds those that it names. The socket's routes are never described, and every start would wait for it.
type Shape = fn(&mut Schemas) -> RefOr<Schema>;

enum Reply {
    /// JSON of this shape.
    Json(Shape),
    /// One of these media types; JSON among them has this shape, if it has one.
    Bytes(&'static [&'static str], Option<Shape>),
}

/// What a route does, with a reply of JSON that has no fixed shape.
pub(super) fn doc(tag: &'static str, summary: &'static str) -> Doc {
    let any: Shape = |_| RefOr::T(ObjectBuilder::new().into());
    Doc {
        summary,
        tag,
        query: Vec::new(),
        body: None,
        body_if_any: false,
        status: 200,
        reply: Reply::Json(any),
    }
}

fn schema_of<T: ToSchema>(used: &mut Schemas) -> RefOr<Schema> {
    let name = T::name().into_owned();
    T::schemas(used);
    used.push((name.clone(), T::schema()));
    RefOr::Ref(Ref::from_schema_name(name))
}

fn list_of<T: ToSchema>(used: &mut Schemas) -> RefOr<Schema> {
    RefOr::T(ArrayBuilder::new().items(schema_of::<T>(used)).into())
}

fn page_of<T: ToSchema>(used: &mut Schemas) -> RefOr<Schema> {
    let (data, pagination) = (list_of::<T>(used), schema_of::<Pagination>(used));
    let page = ObjectBuilder::new().property("data", data).required("data");
    let page = page.property("pagination", pagination).required("pagination");
    let name = format!("{}Page", T::name());
    used.push((name.clone(), RefOr::T(page.into())));
    RefOr::Ref(Ref::from_schema_name(name))
}

fn list_or_page_of<T: ToSchema>(used: &mut Schemas) -> RefOr<Schema> {
    let either = OneOfBuilder::new().item(list_of::<T>(used)).item(page_of::<T>(used));
    let name = format!("{}List", T::name());
    used.push((name.clone(), RefOr::T(Schema::OneOf(either.build()))));
    RefOr::Ref(Ref::from_schema_name(name))
}

fn rows(_: &mut Schemas) -> RefOr<Schema> {
    let row: RefOr<Schema> = RefOr::T(ObjectBuilder::new().schema_type(Type::Object).into());
    RefOr::T(ArrayBuilder::new().items(row).into())
}

impl Doc {
    /// What may stand behind the question mark.
    pub(super) fn query(mut self, name: &'static str, what: &'static str) -> Self {
        self.query.push((name, Kind::Text, what));
        self
    }

    /// A whole number that may stand there.
    pub(super) fn number(mut self, name: &'static str, what: &'static str) -> Self {
        self.query.push((name, Kind::Number, what));
        self
    }

    /// One of some words that may stand there.
    pub(super) fn one_of(
        mut self,
        name: &'static str,
        words: &'static [&'static str],
        what: &'static str,
    ) -> Self {
        self.query.push((name, Kind::OneOf(words), what));
        self
    }

    /// The body's shape.
    pub(super) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self
    }

    /// The shape of a body that may be left away.
    pub(super) fn optional_body<T: ToSchema>(mut self) -> Self {
        self.body_if_any = true;
        self.body::<T>()
    }

    /// The reply's shape.
    pub(super) fn reply<T: ToSchema>(mut self) -> Self {
        self.reply = Reply::Json(schema_of::<T>);
        self
    }

    /// The reply is a list of these.
    pub(super) fn list<T: ToSchema>(mut self) -> Self {
        self.reply = Reply::Json(list_of::<T>);
        self
    }

    /// The reply is a page of a list of these.
    pub(super) fn page<T: ToSchema>(mut self) -> Self {
        self.reply = Reply::Json(page_of::<T>);
        self.number("page", "From 1 on").number("page_size", "At most 1000; 50 unless said")
    }

    /// The reply is a list of these, or a page of it where one is asked for.
    pub(super) fn list_or_page<T: ToSchema>(mut self) -> Self {
        self.reply = Reply::Json(list_or_page_of::<T>);
        self.number("page", "From 1 on; absent, with page_size: all in an array")
            .number("page_size", "At most 1000")
    }

    /// The reply is of one of these media types.
    pub(super) fn bytes(mut self, types: &'static [&'static str]) -> Self {
        self.reply = Reply::Bytes(types, None);
        self
    }

    /// The reply is rows in one of these media types; as JSON, an array of objects.
    pub(super) fn rows(mut self, types: &'static [&'static str]) -> Self {
        self.reply = Reply::Bytes(types, Some(rows));
        self
    }

    /// The reply is of one of these media types; as JSON it has this shape.
    pub(super) fn bytes_or<T: ToSchema>(mut self, types: &'static [&'static str]) -> Self {
        self.reply = Reply::Bytes(types, Some(schema_of::<T>));
        self
    }

    /// The reply says that something was made.
    pub(super) fn created(mut self) -> Self {
        self.status = 201;
        self
    }

    fn operation(
        self,
        method: &str,
        path: &str,
        permission: Option<Permission>,
        schemas: &mut Schemas,
    ) -> OperationBuilder {
        // A path and the same with a slash behind it are two; generated names leave the slash out.
        let named = path.strip_suffix('/').map_or_else(|| path.to_owned(), |path| format!("{path}/all"));
        let id = format!("{method}{}", named.replace(['/', '-', '{', '}', '.'], "_"));
        let mut operation =
            OperationBuilder::new().operation_id(Some(id)).summary(Some(self.summary)).tag(self.tag);
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        for name in in_path {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            operation = operation.parameter(parameter.required(Required::True).schema(Some(text())));
        }
        for (name, kind, what) in self.query {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
            operation = operation.parameter(parameter.description(Some(what)).schema(Some(kind.schema())));
        }
        if let Some(body) = self.body {
            let content = ContentBuilder::new().schema(Some(body(schemas))).build();
            let required = if self.body_if_any { Required::False } else { Required::True };
            let body =
                RequestBodyBuilder::new().content("application/json", content).required(Some(required));
            operation = operation.request_body(Some(body.build()));
        }
        let mut answer = ResponseBuilder::new().description("It was done.");
        answer = match self.reply {
            Reply::Json(shape) => {
                answer.content("application/json", ContentBuilder::new().schema(Some(shape(schemas))).build())
            }
            Reply::Bytes(types, json) => types.iter().fold(answer, |answer, media| {
                let shape = match *media {
                    "application/json" => json.map(|shape| shape(schemas)),
                    // Lines of JSON are no text and no JSON, and neither are events.
                    other if other.contains("json") || other == "text/event-stream" => None,
                    _ => Some(RefOr::T(text().into())),
                };
                answer.content(*media, ContentBuilder::new().schema(shape).build())
            }),
        };
        let error = |description: &str| {
            let shape = RefOr::Ref(Ref::from_schema_name(ApiError::name()));
            let content = ContentBuilder::new().schema(Some::<RefOr<Schema>>(shape)).build();
            ResponseBuilder::new().description(description).content("application/json", content)
        };
        operation = operation.response(self.status.to_string(), answer);
        for (status, what) in [
            ("400", "The request does not fit, or what it asked for failed."),
            ("401", "No credentials, or wrong ones."),
            ("403", "Not permitted, or refused by policy."),
            ("404", "There is no such thing, or none that you may see."),
            ("405", "The path does not take this method."),
            ("408", "The time was up."),
            ("409", "It clashes with what is already there."),
            ("413", "The body is too large."),
            ("429", "A limit was reached; `Retry-After` says when to come back."),
            ("500", "A fault of wharf."),
            ("503", "Something that is needed is not there now."),
        ] {
            operation = operation.response(status, error(what));
        }
        let secured = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
        match permission {
            Some(permission) => operation
                .description(Some(format!("Needs the permission `{}`.", permission.name())))
                .security(secured("tokens"))
                .security(secured("api_key")),
            None => operation.security(SecurityRequirement::default()),
        }
    }
}

/// Routes that need the same of who comes.
pub(super) struct Group {
    router: Router<Rooms>,
    need: Need,
    described: Vec<(&'static str, &'static str, Doc)>,
}

impl Group {
    /// Routes that need this permission, counted in this class.
    pub(super) fn new(permission: Option<Permission>, class: Class) -> Self {
        Self { router: Router::new(), need: Need { permission, class }, described: Vec::new() }
    }

    fn add(
        mut self,
        method: &'static str,
        path: &'static str,
        handler: MethodRouter<Rooms>,
        doc: Doc,
    ) -> Self {
        self.router = self.router.route(path, handler);
        self.described.push((method, path, doc));
        self
    }
}

/// One method for each verb: `group.get(path, handler, doc)`.
macro_rules! verbs {
    ($($verb:ident)*) => {
        impl Group {
            $(
                pub(super) fn $verb<H, T>(self, path: &'static str, handler: H, doc: Doc) -> Self
                where
                    H: axum::handler::Handler<T, Rooms>,
                    T: 'static,
                {
                    self.add(stringify!($verb), path, routing::$verb(handler), doc)
                }
            )*
        }
    };
}
verbs! { get post put patch delete }

/// All groups as one router.
pub(super) fn router(groups: Vec<Group>, watch: Option<&Watch>) -> Router<Rooms> {
    groups.into_iter().fold(Router::new(), |router, group| {
        let held = middleware::from_fn_with_state((group.need, watch.cloned()), hold);
        router.merge(group.router.route_layer(held))
    })
}

/// What all groups say of themselves.
pub(super) fn described(groups: Vec<Group>) -> OpenApi {
    let (mut paths, mut schemas) = (PathsBuilder::new(), Schemas::new());
    schema_of::<ApiError>(&mut schemas);
    for group in groups {
        for (method, path, doc) in group.described {
            let operation = doc.operation(method, path, group.need.permission, &mut schemas);
            paths = paths.path(path, PathItem::new(verb(method), operation));
        }
    }
    let schemas: BTreeMap<String, RefOr<Schema>> = schemas.into_iter().collect();
    let components =
        schemas.into_iter().fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("`<SwarmToken>;<AgentToken>`, or a JWT from POST /api/auth/login"))
        .build();
    let components = components
        .security_scheme("tokens", SecurityScheme::Http(bearer))
        .security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))));
    let info = InfoBuilder::new().title("wharf").version(env!("CARGO_PKG_VERSION")).description(Some(
        "Governed access to data: tables, samples, profiles, queries, metrics, and who may see what.",
    ));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

fn verb(method: &str) -> HttpMethod {
    match method {
        "post" => HttpMethod::Post,
        "put" => HttpMethod::Put,
        "patch" => HttpMethod::Patch,
        "delete" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

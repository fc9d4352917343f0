//! Functions that were looked at and refused, for a better answer than "unknown". What is in no list is refused anyway.

use crate::duckdb::functions::Reason;

/// Bare words that read the session when no column has that name. `user` is added where it
/// cannot be a column.
pub(super) const SESSION_WORDS: &[&str] = &[
    "current_account",
    "current_catalog",
    "current_database",
    "current_namespace",
    "current_role",
    "current_schema",
    "current_schemas",
    "current_session",
    "current_user",
    "current_user_id",
    "current_warehouse",
    "session_user",
    "system_user",
];

/// By reason.
pub(super) const REFUSED: &[(Reason, &str)] = &[
    (
        Reason::Files,
        "
        build_scoped_file_url build_stage_file_url copy_files_into get_absolute_path get_presigned_url get_relative_path
        get_stage_location infer_schema lo_export lo_import read_files read_kafka read_kinesis read_pubsub read_pulsar read_state_metadata
        read_statestore to_file try_to_file list_files cloud_files input_file_name input_file_block_length input_file_block_start
        validate validate_pipe_load copy_history directory
        ",
    ),
    (
        Reason::Connects,
        "
        remote_query http_request lambda_invoke external_query postgres_fdw_get_connections postgres_fdw_disconnect
        postgres_fdw_disconnect_all
        ",
    ),
    (
        Reason::RunsText,
        "
        cursor_to_xml cursor_to_xmlschema database_to_xml database_to_xml_and_xmlschema database_to_xmlschema execute
        identifier query_to_xml query_to_xml_and_xmlschema query_to_xmlschema result_scan schema_to_xml
        schema_to_xml_and_xmlschema schema_to_xmlschema table_changes table_to_xml table_to_xml_and_xmlschema
        table_to_xmlschema to_query ts_rewrite ts_stat crosstab crosstab2 crosstab3 crosstab4 crosstabn connectby
        semantic_view vector_search
        ",
    ),
    (
        Reason::HostCode,
        "
        java_method reflect try_reflect ai_analyze_sentiment ai_classify ai_complete ai_embed ai_extract ai_filter ai_fix_grammar
        ai_forecast ai_gen ai_generate_text ai_mask ai_parse_document ai_query ai_similarity ai_summarize ai_translate ai_agg
        ",
    ),
    (
        Reason::Settings,
        "
        current_setting get_secret list_secrets secret set_config try_secret getvariable sys_context getdatabaseencoding
        ",
    ),
    (
        Reason::Session,
        "
        current_account current_account_name current_available_roles current_catalog current_client current_database
        current_ip_address current_metastore current_organization_name current_query current_recipient current_region current_role
        current_role_type current_schema current_schemas current_secondary_roles current_session current_statement
        current_timezone current_transaction current_user current_user_id current_version current_warehouse inet_client_addr
        inet_client_port inet_server_addr inet_server_port invoker_role invoker_share is_account_group_member is_member
        is_role_in_session is_database_role_in_session is_granted_to_invoker_role last_query_id last_transaction session_user
        setseed system_user txid_current txid_current_snapshot user version
        ",
    ),
    (
        Reason::Catalogue,
        "
        col_description format_type get_ddl has_any_column_privilege has_column_privilege has_database_privilege
        has_function_privilege has_schema_privilege has_table_privilege obj_description row_security_active shobj_description
        to_regclass to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype get_lineage
        event_log sql_keywords collations tableoid explain_json get_object_references policy_references tag_references
        ",
    ),
    (Reason::Sequence, "currval getnextval lastval nextval setval"),
    (Reason::Logs, "event_table write_log automatic_clustering_history login_history query_history"),
];

/// By the start of the name.
pub(super) fn by_prefix(name: &str) -> Option<Reason> {
    const PREFIXES: &[(&str, Reason)] = &[
        ("pg_sleep", Reason::Waits),
        ("pg_read_", Reason::Files),
        ("pg_ls_", Reason::Files),
        ("pg_stat_file", Reason::Files),
        ("pg_file_", Reason::Files),
        ("pg_get_", Reason::Catalogue),
        ("pg_advisory_", Reason::Admin),
        ("pg_try_advisory_", Reason::Admin),
        ("pg_terminate_", Reason::Admin),
        ("pg_cancel_", Reason::Admin),
        ("pg_reload_", Reason::Admin),
        ("dblink", Reason::Connects),
        ("lo_", Reason::Files),
        ("loread", Reason::Files),
        ("lowrite", Reason::Files),
        ("system$", Reason::Session),
        ("has_", Reason::Catalogue),
        ("inet_", Reason::Session),
        ("txid_", Reason::Session),
    ];
    if name == "pg_typeof" || name == "inet_merge" || name == "inet_same_family" {
        return None;
    }
    let found = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, reason)| *reason);
    found.or_else(|| name.starts_with("pg_").then_some(Reason::Catalogue))
}

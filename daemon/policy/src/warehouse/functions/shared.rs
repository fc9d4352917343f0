//! What every dialect has.

/// Words that start clauses elsewhere and are functions before a bracket.
pub(super) const CALLABLE_WORDS: &[&str] =
    &["left", "right", "insert", "like", "ilike", "rlike", "any", "some", "replace", "all", "window"];

/// Scalars, aggregates and window functions.
pub(super) const VALUES: &str = "
    abs acos ascii asin atan atan2 avg cast ceil ceiling char_length character_length chr coalesce concat cos cot count
    cume_dist date_part date_trunc degrees dense_rank exp extract first_value floor greatest grouping initcap lag last_value
    lead least left length ln log lower lpad ltrim max md5 min mod nth_value ntile nullif octet_length percent_rank
    percentile_cont percentile_disc pi position power radians rank repeat replace reverse right round row_number rpad rtrim
    sign sin sqrt stddev stddev_pop stddev_samp substr substring sum tan to_char to_date to_timestamp translate trim trunc
    upper var_pop var_samp variance regexp_replace regexp_substr regexp_count regexp_instr regexp_like row any all some array
    corr covar_pop covar_samp concat_ws split_part bit_length current_date current_time current_timestamp now random
    to_number cbrt exists localtime localtimestamp
";

/// Types.
pub(super) const TYPES: &str = "
    bigint boolean char character date decimal double float int integer interval numeric real smallint text time timestamp
    varchar binary varbinary
";

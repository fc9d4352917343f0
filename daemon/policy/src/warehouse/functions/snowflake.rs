//! Snowflake.

/// Scalars, aggregates and window functions beside those that every dialect has.
pub(super) const VALUES: &str = "
    acosh add_months any_value approx_count_distinct approx_percentile approx_percentile_accumulate approx_percentile_combine
    approx_percentile_estimate approx_top_k approx_top_k_accumulate approx_top_k_combine approx_top_k_estimate
    approximate_jaccard_index approximate_similarity array_agg array_append array_cat array_compact array_construct
    array_construct_compact array_contains array_distinct array_except array_flatten array_generate_range array_insert
    array_intersection array_max array_min array_position array_prepend array_remove array_remove_at array_reverse array_size
    array_slice array_sort array_to_string array_union_agg array_unique_agg arrayagg arrays_overlap arrays_to_object arrays_zip
    as_array as_binary as_boolean as_char as_date as_decimal as_double as_integer as_number as_object as_real as_time
    as_timestamp_ltz as_timestamp_ntz as_timestamp_tz as_varchar asinh atanh base64_decode_binary base64_decode_string
    base64_encode bitand bitand_agg bitandagg bitmap_bit_position bitmap_bucket_number bitmap_construct_agg bitmap_count
    bitmap_or_agg bitnot bitor bitor_agg bitoragg bitshiftleft bitshiftright bitxor bitxor_agg bitxoragg booland booland_agg
    boolnot boolor boolor_agg boolxor boolxor_agg bit_and bit_or bit_xor bitand_agg char charindex check_json check_xml collate collation
    compress conditional_change_event conditional_true_event contains convert_timezone cosh count_if date date_from_parts
    datefromparts dateadd datediff date_diff date_add date_sub date_bucket day dayname dayofmonth dayofweek dayofweek_iso dayofweekiso dayofyear div0 div0null
    decompress_binary decompress_string decode editdistance endswith equal_null factorial filter floor get get_ignore_case get_path
    getbit getdate grouping_id h3_cell_to_boundary h3_cell_to_children h3_cell_to_parent h3_cell_to_point h3_coverage
    h3_get_resolution h3_grid_disk h3_grid_distance h3_is_valid_cell h3_latlng_to_cell h3_latlng_to_cell_string
    h3_point_to_cell h3_point_to_cell_string hash hash_agg haversine hex_decode_binary hex_decode_string hex_encode hll
    hll_accumulate hll_combine hll_estimate hll_export hll_import hour iff ifnull insert is_array is_binary is_boolean
    is_char is_date is_date_value is_decimal is_double is_integer is_null_value is_number is_object is_real is_time
    is_timestamp_ltz is_timestamp_ntz is_timestamp_tz is_varchar jarowinkler_similarity json_extract_path_text kurtosis
    last_day len like like_all like_any ilike ilike_any listagg map_cat map_contains_key map_delete map_insert map_keys map_pick map_size
    max_by md5_binary md5_hex md5_number_lower64 md5_number_upper64 median min_by minhash minhash_combine minute mode month
    monthname months_between next_day nullifzero nvl nvl2 object_agg object_construct object_construct_keep_null object_delete
    object_insert object_keys object_pick objectagg parse_ip parse_json parse_url parse_xml previous_day quarter randstr
    ratio_to_report reduce regexp regexp_extract_all regexp_substr_all regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy regr_valx regr_valy replicate rlike round rtrimmed_length second seq1 seq2 seq4 seq8 sha1
    sha1_binary sha1_hex sha2 sha2_binary sha2_hex sinh skew soundex soundex_p123 space split square startswith strip_null_value
    strtok strtok_to_array sysdate systimestamp tanh time time_from_parts time_slice timeadd timediff timefromparts
    timestamp_from_parts timestamp_ltz_from_parts timestamp_ntz_from_parts timestamp_tz_from_parts timestampadd timestampdiff
    timestampfromparts timestamp_ltzfromparts timestamp_ntzfromparts timestamp_tzfromparts to_array to_binary to_boolean to_decfloat
    to_decimal to_double to_geography to_geometry to_json to_numeric to_object to_time to_timestamp_ltz
    to_timestamp_ntz to_timestamp_tz to_varchar to_variant to_xml transform truncate try_base64_decode_binary
    try_base64_decode_string try_cast try_hex_decode_binary try_hex_decode_string try_parse_json try_to_binary try_to_boolean
    try_to_date try_to_decimal try_to_double try_to_geography try_to_geometry try_to_number try_to_numeric try_to_time
    try_to_timestamp try_to_timestamp_ltz try_to_timestamp_ntz try_to_timestamp_tz typeof unicode uniform normal zipf uuid_string
    vector_cosine_similarity vector_inner_product vector_l1_distance vector_l2_distance week weekiso weekofyear width_bucket
    xmlget year yearofweek yearofweekiso zeroifnull timestamp_ntz try_to_json strip_null trim_array validate_utf8
    greatest_ignore_nulls least_ignore_nulls variance_samp variance_pop search search_ip interpolate_ffill interpolate_bfill
    interpolate_linear array_sum sys_connect_by_path match_number match_sequence_number classifier first last prev next final running nthvalue
    st_area st_asewkb st_asewkt st_asgeojson st_aswkb st_asbinary st_aswkt st_astext st_azimuth st_buffer st_centroid st_collect
    st_contains st_coveredby st_covers st_difference st_dimension st_disjoint st_distance st_dwithin st_endpoint st_envelope
    st_geogfromgeohash st_geogpointfromgeohash st_geographyfromwkb st_geographyfromwkt st_geogfromtext st_geogfromwkb
    st_geohash st_geometryfromwkb st_geometryfromwkt st_geomfromgeohash st_geompointfromgeohash st_hausdorffdistance
    st_intersection st_intersection_agg st_intersects st_isvalid st_length st_makegeompoint st_geompoint st_makeline st_makepoint
    st_makepolygon st_makepolygonoriented st_npoints st_numpoints st_perimeter st_point st_pointn st_setsrid st_simplify st_srid
    st_startpoint st_symdifference st_transform st_union st_union_agg st_within st_x st_xmax st_xmin st_y st_ymax st_ymin
    st_geomfromtext st_geomfromwkb
    array_exists ntile getvalue nullif cube rollup regexp_extract strposition lcase ucase
    datetime_from_parts percentile_approx sum_distinct to_timestamp array_to_json last_value
";

/// Functions of FROM.
pub(super) const TABLES: &str = "flatten generator split_to_table strtok_split_to_table";

/// Types.
pub(super) const TYPES: &str = "
    array object variant map vector number string nchar nvarchar nvarchar2 char2 byteint tinyint float4 float8 datetime
    timestamp_ltz timestamp_ntz timestamp_tz timestampltz timestampntz timestamptz geography geometry decfloat dec bool json uuid
";

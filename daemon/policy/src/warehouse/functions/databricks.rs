//! Databricks.

/// Scalars, aggregates and window functions beside those that every dialect has.
pub(super) const VALUES: &str = "
    acosh add_months aggregate any_value approx_count_distinct approx_percentile approx_top_k array_agg array_append array_compact
    array_contains array_distinct array_except array_insert array_intersect array_join array_max array_min array_position
    array_prepend array_remove array_repeat array_size array_sort array_union arrays_overlap arrays_zip asinh
    atanh base64 bigint bin binary bit_and bit_count bit_get bit_or bit_reverse bit_xor bitmap_bit_position
    bitmap_bucket_number bitmap_construct_agg bitmap_count bitmap_or_agg bool_and bool_or boolean bround btrim cardinality
    char charindex collate collation collect_list collect_set contains conv convert_timezone cosh count_if count_min_sketch
    crc32 csc curdate date date_add date_diff date_format date_from_unix_date date_sub dateadd datediff day
    dayname dayofmonth dayofweek dayofyear decimal decode double e element_at elt encode endswith equal_null every
    expm1 exists factorial filter find_in_set first flatten float forall format_number format_string
    from_avro from_csv from_json from_unixtime from_utc_timestamp from_xml get get_json_object getbit getdate grouping_id
    h3_boundaryasgeojson h3_boundaryaswkb h3_boundaryaswkt h3_centerasgeojson h3_centeraswkb h3_centeraswkt h3_compact
    h3_coverash3 h3_coverash3string h3_distance h3_h3tostring h3_hexring h3_ischildof h3_ispentagon h3_isvalid h3_kring
    h3_kringdistances h3_longlatash3 h3_longlatash3string h3_maxchild h3_minchild h3_pointash3 h3_pointash3string
    h3_polyfillash3 h3_polyfillash3string h3_resolution h3_stringtoh3 h3_tochildren h3_toparent h3_try_polyfillash3
    h3_uncompact hash hex histogram_numeric hll_sketch_agg hll_sketch_estimate hll_union hll_union_agg hour hypot if iff
    ifnull ilike insert instr int is_variant_null isnan isnotnull isnull json_array_length
    json_object_keys kurtosis last last_day lcase len levenshtein like listagg locate log10 log1p log2 luhn_check make_date
    make_dt_interval make_interval make_timestamp make_timestamp_ltz make_timestamp_ntz make_ym_interval map map_concat
    map_contains_key map_entries map_filter map_from_arrays map_from_entries map_keys map_values map_zip_with mask max_by mean
    median min_by minute mode monotonically_increasing_id month monthname months_between named_struct nanvl negative next_day
    nullifzero nvl nvl2 overlay parse_json parse_url percentile percentile_approx pmod positive pow
    printf product quarter rand randn randstr regexp regexp_extract regexp_extract_all regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reduce rint rlike schema_of_csv
    schema_of_json schema_of_json_agg schema_of_variant schema_of_variant_agg schema_of_xml sec second sentences sequence sha
    sha1 sha2 shiftleft shiftright shiftrightunsigned shuffle signum sinh size skewness slice smallint sort_array soundex space
    split st_astext st_asbinary st_asewkb st_asgeojson st_aswkb st_aswkt st_area st_azimuth st_boundary st_buffer st_centroid st_closestpoint
    st_collect_agg st_concavehull st_contains st_convexhull st_covers st_difference st_dimension st_disjoint st_distance st_distancesphere
    st_distancespheroid st_dwithin st_endpoint st_envelope st_equals st_exteriorring st_flipcoordinates st_force2d st_geogfromgeojson
    st_geogfromtext st_geogfromwkb st_geogfromwkt st_geohash st_geometryn st_geometrytype st_geomfromewkb st_geomfromgeohash
    st_geomfromgeojson st_geomfromtext st_geomfromwkb st_geomfromwkt st_intersection st_intersects st_isempty st_isvalid
    st_length st_makeline st_makepolygon st_multi st_ndims st_npoints st_numgeometries st_perimeter st_point st_pointfromgeohash
    st_pointn st_rotate st_scale st_setsrid st_simplify st_srid st_startpoint st_touches st_transform st_translate st_union
    st_union_agg st_within st_x st_xmax st_xmin st_y st_ymax st_ymin st_z st_zmax st_zmin try_to_geography try_to_geometry to_geography to_geometry
    startswith std str_to_map string string_agg struct substring_index tanh timediff timestamp timestamp_micros
    timestamp_millis timestamp_seconds timestampadd timestampdiff tinyint to_avro to_binary to_csv to_json
    to_unix_timestamp to_utc_timestamp to_varchar to_variant_object to_xml transform transform_keys transform_values
    try_add try_avg try_cast try_divide try_element_at try_mod try_multiply try_parse_json
    try_parse_url try_subtract try_sum try_to_binary try_to_date try_to_number try_to_timestamp try_url_decode try_validate_utf8
    try_variant_get typeof ucase unbase64 unhex unicode uniform unix_date unix_micros unix_millis unix_seconds unix_timestamp
    url_decode url_encode uuid validate_utf8 variant_get vector_cosine_similarity vector_inner_product vector_l2_distance vector_l2_norm
    vector_norm vector_normalize vector_avg vector_sum weekday weekofyear width_bucket window window_time session_window xpath xpath_boolean xpath_double
    xpath_float xpath_int xpath_long xpath_number xpath_short xpath_string xxhash64 year zeroifnull zip_with is_valid_utf8
    make_valid_utf8 try_make_timestamp try_make_interval percentile_cont bitwise_not bit_and_agg left right cot csc
    boolean timestamp_ntz trunc to_time make_time time_diff time_trunc try_to_time decode
";

/// Functions of FROM and of LATERAL VIEW.
pub(super) const TABLES: &str = "
    explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple range variant_explode
    variant_explode_outer
";

/// Types.
pub(super) const TYPES: &str = "
    array map struct variant string tinyint byte short long dec timestamp_ntz timestamp_ltz void null object geography geometry
";

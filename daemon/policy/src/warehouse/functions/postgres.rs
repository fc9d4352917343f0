//! PostgreSQL.

/// Scalars, aggregates and window functions beside those that every dialect has.
pub(super) const VALUES: &str = "
    acosd acosh age any_value area array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle
    array_sort array_to_json array_to_string array_to_tsvector array_upper asind asinh atan2d atand atanh bit_and bit_count bit_or
    bit_xor bool_and bool_or bound_box box broadcast btrim cardinality casefold center circle clock_timestamp convert_from
    convert_to cosd cosh cotd crc32 crc32c date_add date_bin date_subtract daterange datemultirange decode diagonal diameter div encode enum_first enum_last
    enum_range erf erfc every factorial family format gamma gcd gen_random_uuid get_bit get_byte height host hostmask
    inet_merge inet_same_family int4range int4multirange int8range int8multirange isclosed isempty isfinite isopen
    json_agg json_agg_strict json_array json_array_length json_arrayagg json_build_array json_build_object json_exists
    json_extract_path json_extract_path_text json_object json_object_agg json_object_agg_strict json_object_agg_unique
    json_object_agg_unique_strict json_objectagg json_populate_record json_query json_scalar json_serialize json_strip_nulls
    json_typeof json_value json jsonb_agg jsonb_agg_strict jsonb_array_length jsonb_build_array jsonb_build_object
    jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_agg_strict
    jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_path_exists jsonb_path_exists_tz jsonb_path_match
    jsonb_path_match_tz jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz
    jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval lcm lgamma
    line log10 lower_inc lower_inf lseg macaddr8_set7bit make_date make_interval make_time make_timestamp make_timestamptz
    masklen min_scale mode multirange netmask network normalize npoints num_nonnulls num_nulls numeric_inc
    numnode nummultirange numrange overlay parse_ident path pclose point polygon popen quote_ident quote_literal
    quote_nullable radius random_normal range_agg range_intersect_agg range_merge regexp_match regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_to_json scale set_bit set_byte set_masklen setweight
    sha224 sha256 sha384 sha512 sind sinh slope split_part starts_with statement_timestamp string_agg string_to_array strip strpos
    tand tanh text timeofday timezone to_ascii to_bin to_hex to_json to_jsonb to_oct to_tsquery to_tsvector json_to_tsvector jsonb_to_tsvector
    phraseto_tsquery plainto_tsquery websearch_to_tsquery querytree ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsquery_phrase
    tsvector_to_array transaction_timestamp trim_array trim_scale tsrange tsmultirange tstzrange tstzmultirange
    unicode_assigned unistr upper_inc upper_inf uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 width width_bucket
    xmlagg xmlcomment xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi xmlroot xmlserialize xmltext xml_is_well_formed
    xml_is_well_formed_content xml_is_well_formed_document xpath xpath_exists
    bool int2 int4 int8 float4 float8 numeric date timestamptz interval similarity word_similarity strict_word_similarity
    levenshtein levenshtein_less_equal soundex difference metaphone dmetaphone dmetaphone_alt unaccent digest hmac
    hstore hstore_to_json hstore_to_jsonb akeys avals defined delete slice to_timestamp
    uuid_generate_v4 uuid_generate_v1 l2_distance inner_product cosine_distance l1_distance vector_dims vector_norm
    st_area st_asbinary st_asewkt st_asgeojson st_astext st_azimuth st_boundary st_buffer st_centroid st_closestpoint st_collect
    st_contains st_convexhull st_covers st_coveredby st_crosses st_difference st_dimension st_disjoint st_distance
    st_distancesphere st_dwithin st_endpoint st_envelope st_equals st_extent st_flipcoordinates st_geogfromtext st_geohash
    st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb st_intersection st_intersects st_isempty
    st_isvalid st_length st_makeenvelope st_makeline st_makepoint st_makepolygon st_makevalid st_multi st_npoints st_numgeometries
    st_numpoints st_overlaps st_perimeter st_point st_pointn st_pointonsurface st_project st_relate st_setsrid st_simplify
    st_snaptogrid st_srid st_startpoint st_symdifference st_touches st_transform st_translate st_union st_within st_x st_xmax
    st_xmin st_y st_ymax st_ymin st_z st_clusterdbscan st_clusterkmeans st_hexagongrid st_squaregrid
    time_bucket time_bucket_gapfill first last histogram locf interpolate approx_percentile
    citext pg_typeof abbrev gen_random_bytes regexp_split_to_array
";

/// Functions of FROM.
pub(super) const TABLES: &str = "
    generate_series generate_subscripts json_array_elements json_array_elements_text json_each json_each_text
    json_object_keys json_populate_recordset json_to_record json_to_recordset jsonb_array_elements
    jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys jsonb_path_query jsonb_path_query_tz jsonb_populate_record
    jsonb_populate_recordset jsonb_to_record jsonb_to_recordset regexp_matches regexp_split_to_array
    regexp_split_to_table string_to_table unnest each skeys svals st_dump st_dumppoints ts_debug ts_parse
";

/// Types.
pub(super) const TYPES: &str = "
    int2 int4 int8 float4 float8 bool bpchar bytea bit varbit box circle cidr dec inet json jsonb jsonpath line lseg macaddr
    macaddr8 money national nchar path point polygon serial2 timestamptz timetz tsquery tsvector uuid xml int4range int8range
    numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange
    regconfig name hstore citext ltree vector halfvec sparsevec geometry geography
";

//! Redshift.

/// Scalars, aggregates and window functions beside those that every dialect has.
pub(super) const VALUES: &str = "
    add_months date_add date_diff sys_connect_by_path age any_value array_concat array_flatten array_to_string array_contains array_distinct array_except
    array_intersection array_position array_positions array_sort array_union bit_and bit_or bool_and bool_or bpcharcmp
    bttext_pattern_cmp btrim can_json_parse charindex checksum collate convert convert_timezone crc32 date_cmp date_cmp_timestamp
    date_cmp_timestamptz date_part_year dateadd datediff datename decode dexp difference digest dlog1 dlog10 dpow
    farmfingerprint64 fnv_hash from_varbyte func_sha1 sha getdate get_array_length h3_boundary h3_center h3_fromlonglat
    h3_frompoint h3_ischildof h3_polyfill h3_resolution hll hll_cardinality hll_combine hll_create_sketch interval_cmp
    intervaltoyears is_array is_bigint is_boolean is_char is_decimal is_float is_integer is_object is_scalar is_smallint
    is_valid_json is_valid_json_array is_varchar isnull json_array_length json_extract_array_element_text json_extract_path_text
    json_parse json_serialize json_serialize_to_varbyte json_size json_typeof last_day len listagg log10 lower_attribute_names
    median months_between next_day nvl nvl2 object object_transform octetindex overlay parse_json quote_ident quote_literal
    ratio_to_report regexp_matches replicate sha1 sha2 func_sha1 size soundex sqrt strpos strtol subarray sysdate
    text_to_int_alt text_to_numeric_alt textlen time timeofday timestamp timestamp_cmp timestamp_cmp_date
    timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp timezone to_hex to_varbyte trunc try_cast
    upper_attribute_names width_bucket strtol split_to_array string_agg is_valid_utf8 greatest least to_geometry dateparse
    array_agg object_agg approximate to_timestamp
    generate_series get_number_attributes space translate cume_dist from_hex to_base64 from_base64 md5_digest
    st_addpoint st_angle st_area st_asbinary st_asewkb st_asewkt st_asgeojson st_ashexewkb st_ashexwkb st_astext st_azimuth
    st_boundary st_buffer st_centroid st_collect st_contains st_containsproperly st_convexhull st_coveredby st_covers st_crosses
    st_dimension st_disjoint st_distance st_distancesphere st_dwithin st_endpoint st_envelope st_equals st_exteriorring
    st_force2d st_geogfromtext st_geogfromwkb st_geohash st_geometryn st_geometrytype st_geomfromewkb st_geomfromewkt
    st_geomfromgeohash st_geomfromgeojson st_geomfromgeosquare st_geomfromtext st_geomfromwkb st_interiorringn st_intersection
    st_intersects st_isclosed st_iscollection st_isempty st_isring st_issimple st_isvalid st_length st_lengthsphere
    st_linefrommultipoint st_lineinterpolatepoint st_m st_makeenvelope st_makeline st_makepoint st_makepolygon st_memsize
    st_multi st_ndims st_npoints st_numgeometries st_numinteriorrings st_numpoints st_perimeter st_point st_pointn
    st_pointonsurface st_polygon st_removepoint st_reverse st_scale st_setpoint st_setsrid st_simplify st_srid st_startpoint
    st_touches st_transform st_translate st_union st_within st_x st_xmax st_xmin st_y st_ymax st_ymin st_z st_zmax st_zmin
";

/// Functions of FROM.
pub(super) const TABLES: &str = "generate_series unnest";

/// Types.
pub(super) const TYPES: &str = "
    int2 int4 int8 float4 float8 bool bpchar nchar nvarchar national super varbyte hllsketch geometry geography timestamptz timetz bit
    dec
";

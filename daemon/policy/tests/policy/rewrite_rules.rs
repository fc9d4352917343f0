//! Rules as an admin sets them: treatments in text and JSON, masks by type, filters that are and are not accepted.

use crate::rewrite_support::{attributes, key, run, table_name};
use crate::support::Engine;
use duckdb::Connection;
use wharf_policy::{
    Attributes, Dialect, DuckdbParser, Mask, ParserUnavailable, RowFilter, TableName, Treatment, View,
    ViewColumn,
};

const DIALECTS: [Dialect; 5] =
    [Dialect::Duckdb, Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks];

#[test]
fn treatments_are_written_and_read() {
    let texts = [
        "show",
        "deny",
        "mask:null",
        "mask:redact",
        "mask:hash",
        "mask:partial(2,4)",
        "mask:partial(0,0)",
        "mask:bucket(10)",
        "mask:date(month)",
        "mask:date(minute)",
    ];
    for text in texts {
        let treatment: Treatment = text.parse().unwrap();
        assert_eq!(treatment.to_string(), text);
        let json = serde_json::to_string(&treatment).unwrap();
        assert_eq!(serde_json::from_str::<Treatment>(&json).unwrap(), treatment, "{json}");
    }
    assert_eq!(" MASK:Partial( 2 , 4 ) ".parse::<Treatment>().unwrap().to_string(), "mask:partial(2,4)");
    let json = |text: &str| serde_json::to_string(&text.parse::<Treatment>().unwrap()).unwrap();
    assert_eq!(json("show"), r#""show""#);
    assert_eq!(json("mask:hash"), r#"{"mask":"hash"}"#);
    assert_eq!(json("mask:partial(2,4)"), r#"{"mask":{"partial":{"first":2,"last":4}}}"#);
    assert_eq!(json("mask:date(week)"), r#"{"mask":{"date":{"unit":"week"}}}"#);
    let wrong = [
        "",
        "mask",
        "mask:",
        "hash",
        "mask:bucket",
        "mask:bucket(0)",
        "mask:bucket(-1)",
        "mask:bucket(1,2)",
        "mask:partial(2)",
        "mask:partial(2,4",
        "mask:date(century)",
        "mask:hash(1)",
        "mask:bucket(5000000000)",
        "deny!",
    ];
    for text in wrong {
        let error = text.parse::<Treatment>().expect_err(text).to_string();
        assert!(error.contains("mask:partial(FIRST,LAST)"), "{error}");
    }
    assert!(serde_json::from_str::<Treatment>(r#"{"mask":{"bucket":{"width":0}}}"#).is_err());
}

#[test]
fn masks_fit_their_types_only() {
    let cases = [
        ("mask:redact", "VARCHAR", true),
        ("mask:redact", "character varying(20)", true),
        ("mask:redact", "INTEGER", false),
        ("mask:redact", "VARCHAR[]", false),
        ("mask:partial(1,1)", "TEXT", true),
        ("mask:partial(1,1)", "DATE", false),
        ("mask:hash", "BIGINT", true),
        ("mask:hash", "numeric(10, 2)", true),
        ("mask:hash", "DOUBLE", false),
        ("mask:hash", "STRUCT(a INTEGER)", false),
        ("mask:bucket(5)", "decimal(10,2)", true),
        ("mask:bucket(5)", "float", true),
        ("mask:bucket(5)", "INTEGER[]", false),
        ("mask:bucket(5)", "VARCHAR", false),
        ("mask:date(month)", "DATE", true),
        ("mask:date(hour)", "DATE", false),
        ("mask:date(hour)", "TIMESTAMP WITH TIME ZONE", true),
        ("mask:date(year)", "INTEGER", false),
        ("mask:null", "MAP(VARCHAR, INTEGER)", true),
        ("deny", "MAP(VARCHAR, INTEGER)", true),
        ("show", "anything", true),
    ];
    for (treatment, data_type, fits) in cases {
        for dialect in DIALECTS {
            let outcome = treatment.parse::<Treatment>().unwrap().fits(data_type, dialect);
            assert_eq!(outcome.is_ok(), fits, "{treatment} {data_type} {dialect}: {outcome:?}");
        }
    }
    let error = Treatment::Mask(Mask::Redact).fits("INTEGER", Dialect::Duckdb).unwrap_err().to_string();
    assert_eq!(
        error,
        "mask:redact does not fit a column of type INTEGER: it shows text, so it fits text columns only; use mask:null, \
         which fits every type, or deny the column"
    );
}

/// Shows one value of DuckDB under a mask: its text and its type.
fn masked(connection: &Connection, value: &str, data_type: &str, treatment: &str) -> String {
    connection
        .execute_batch(&format!("CREATE OR REPLACE TABLE t AS SELECT ({value})::{data_type} AS \"a \"\"v\""))
        .unwrap();
    let column = ViewColumn {
        name: "a \"v".into(),
        data_type: data_type.into(),
        treatment: treatment.parse().unwrap(),
    };
    let mut table = table_name("t");
    (table.catalog, table.schema) = ("memory".into(), "main".into());
    let query = View { table, columns: vec![column], filter: None }.query(Dialect::Duckdb, &key()).unwrap();
    let sql = format!("SELECT \"a \"\"v\"::VARCHAR AS v, typeof(\"a \"\"v\") AS t FROM {query}");
    run(connection, &sql).unwrap_or_else(|error| panic!("{treatment} of {value}: {error}"))[1].clone()
}

#[test]
fn masks_of_duckdb() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("SET TimeZone = 'UTC'").unwrap();
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("'secret'", "VARCHAR", "mask:redact", "REDACTED", "VARCHAR"),
        ("'secret'", "VARCHAR", "mask:null", "", "VARCHAR"),
        ("[1]", "INTEGER[]", "mask:null", "", "INTEGER[]"),
        ("{'a': 1}", "STRUCT(a INTEGER)", "mask:null", "", "STRUCT(a INTEGER)"),
        ("'x'", "ENUM('x', 'y')", "mask:null", "", "ENUM('x', 'y')"),
        ("'a@example.org'", "VARCHAR", "mask:partial(1,4)", "a***.org", "VARCHAR"),
        ("'größe'", "VARCHAR", "mask:partial(1,2)", "g***ße", "VARCHAR"),
        ("'abc'", "VARCHAR", "mask:partial(1,2)", "***", "VARCHAR"),
        ("''", "VARCHAR", "mask:partial(1,2)", "***", "VARCHAR"),
        ("'abc'", "VARCHAR", "mask:partial(0,0)", "***", "VARCHAR"),
        ("'abc'", "VARCHAR", "mask:partial(4294967295,4294967295)", "***", "VARCHAR"),
        ("'abcd'", "VARCHAR", "mask:partial(0,1)", "***d", "VARCHAR"),
        ("17", "INTEGER", "mask:bucket(10)", "10", "INTEGER"),
        ("-1", "INTEGER", "mask:bucket(10)", "-10", "INTEGER"),
        ("-10", "INTEGER", "mask:bucket(10)", "-10", "INTEGER"),
        ("-128", "TINYINT", "mask:bucket(1000)", "-128", "TINYINT"),
        ("127", "TINYINT", "mask:bucket(1000)", "0", "TINYINT"),
        ("255", "UTINYINT", "mask:bucket(100)", "200", "UTINYINT"),
        ("-9223372036854775808", "BIGINT", "mask:bucket(1000)", "-9223372036854775808", "BIGINT"),
        ("9223372036854775807", "BIGINT", "mask:bucket(4294967295)", "9223372034707292160", "BIGINT"),
        ("18446744073709551615", "UBIGINT", "mask:bucket(10)", "18446744073709551610", "UBIGINT"),
        ("-17", "HUGEINT", "mask:bucket(10)", "-20", "HUGEINT"),
        ("-170141183460469231731687303715884105728", "HUGEINT", "mask:bucket(7)", "", "HUGEINT"),
        (
            "340282366920938463463374607431768211455",
            "UHUGEINT",
            "mask:bucket(10)",
            "340282366920938463463374607431768211450",
            "UHUGEINT",
        ),
        ("12.34", "DECIMAL(6,2)", "mask:bucket(5)", "10.00", "DECIMAL(6,2)"),
        ("-12.34", "DECIMAL(6,2)", "mask:bucket(5)", "-15.00", "DECIMAL(6,2)"),
        ("-9999.99", "DECIMAL(6,2)", "mask:bucket(5)", "", "DECIMAL(6,2)"),
        (
            "99999999999999999999999999999999999999",
            "DECIMAL(38,0)",
            "mask:bucket(7)",
            "99999999999999999999999999999999999998",
            "DECIMAL(38,0)",
        ),
        ("12.7", "DOUBLE", "mask:bucket(5)", "10.0", "DOUBLE"),
        ("-0.5", "FLOAT", "mask:bucket(5)", "-5.0", "FLOAT"),
        ("'inf'", "DOUBLE", "mask:bucket(5)", "inf", "DOUBLE"),
        ("'2024-03-17'", "DATE", "mask:date(quarter)", "2024-01-01", "DATE"),
        ("'2024-03-17'", "DATE", "mask:date(week)", "2024-03-11", "DATE"),
        ("'infinity'", "DATE", "mask:date(year)", "infinity", "DATE"),
        ("'2024-03-17 10:45:59.5'", "TIMESTAMP", "mask:date(hour)", "2024-03-17 10:00:00", "TIMESTAMP"),
        ("'2024-03-17 10:45:59'", "TIMESTAMP_NS", "mask:date(day)", "2024-03-17 00:00:00", "TIMESTAMP_NS"),
        (
            "'2024-03-17 10:45:59+00'",
            "TIMESTAMP WITH TIME ZONE",
            "mask:date(month)",
            "2024-03-01 00:00:00+00",
            "TIMESTAMP WITH TIME ZONE",
        ),
        ("'290309-12-22 (BC)'", "TIMESTAMP", "mask:date(year)", "", "TIMESTAMP"),
    ];
    for (value, data_type, treatment, text, shown_type) in cases {
        let shown = masked(&connection, value, data_type, treatment);
        let text = if text.is_empty() { "Null".to_owned() } else { format!("Text({text:?})") };
        assert_eq!(shown, format!("{text}|Text({shown_type:?})"), "{treatment} of {value}");
    }
    for treatment in ["redact", "hash", "partial(1,1)"] {
        assert!(masked(&connection, "NULL", "VARCHAR", &format!("mask:{treatment}")).starts_with("Null|"));
    }
    for treatment in ["hash", "bucket(5)"] {
        assert!(masked(&connection, "NULL", "INTEGER", &format!("mask:{treatment}")).starts_with("Null|"));
    }
    assert!(masked(&connection, "NULL", "DATE", "mask:date(month)").starts_with("Null|"));
}

#[test]
fn hashes_compare_and_hang_on_the_key() {
    let connection = Connection::open_in_memory().unwrap();
    let one = masked(&connection, "'x'", "VARCHAR", "mask:hash");
    assert_eq!(one, masked(&connection, "'x'", "VARCHAR", "mask:hash"));
    assert_ne!(one, masked(&connection, "'y'", "VARCHAR", "mask:hash"));
    assert_eq!(
        masked(&connection, "5", "INTEGER", "mask:hash"),
        masked(&connection, "5", "BIGINT", "mask:hash")
    );
    let plain = run(&connection, "SELECT sha256('x')").unwrap()[1].clone();
    assert!(!one.contains(plain.trim_matches(|c: char| !c.is_ascii_hexdigit())), "{one} {plain}");
    assert_eq!(format!("{:?}", key()), "MaskKey(..)");
}

/// No engine of these dialects is at hand: the text is held as it was thought out.
#[test]
fn queries_of_the_warehouses() {
    struct Absent;
    impl DuckdbParser for Absent {
        fn serialize(&self, _: &str) -> Result<String, ParserUnavailable> {
            Err(ParserUnavailable("not asked".into()))
        }
    }
    let query = |dialect: Dialect, columns: &[(&str, &str, &str)], filter: Option<&str>| {
        let known: Vec<(&str, &str)> =
            columns.iter().map(|(name, data_type, _)| (*name, *data_type)).collect();
        let filter = filter.map(|text| {
            RowFilter::new(text, &known, dialect, &Absent)
                .unwrap()
                .bind(&Attributes::default().with("tenant", "o'b\\"))
        });
        let columns = columns.iter().map(|(name, data_type, treatment)| ViewColumn {
            name: (*name).into(),
            data_type: (*data_type).into(),
            treatment: treatment.parse().unwrap(),
        });
        let columns = columns.collect();
        View { table: table_name("t"), columns, filter }.query(dialect, &key()).unwrap()
    };
    let hex = "07".repeat(32);
    assert_eq!(
        query(
            Dialect::Postgres,
            &[
                ("id", "integer", "show"),
                ("E\"m", "text", "mask:hash"),
                ("no", "text", "deny"),
                ("tenant", "text", "show")
            ],
            Some("tenant = :tenant")
        ),
        format!(
            "(SELECT \"id\", encode(sha256(convert_to('{hex}' || CAST(\"E\"\"m\" AS text), 'UTF8')), 'hex') AS \"E\"\"m\", \
             \"tenant\" FROM \"warehouse\".\"sales\".\"t\" WHERE (tenant = ('o''b' || CHR(92))) OFFSET 0)"
        )
    );
    assert_eq!(
        query(
            Dialect::Snowflake,
            &[("ID", "NUMBER(38,0)", "mask:bucket(10)"), ("TENANT", "TEXT", "show")],
            Some("tenant = :tenant")
        ),
        "(SELECT CASE WHEN (tenant = ('o''b' || CHR(92))) THEN CASE WHEN \"ID\" IS NOT NULL THEN \
         \"ID\" - mod(mod(\"ID\", 10) + 10, 10) END END AS \"ID\", CASE WHEN (tenant = ('o''b' || CHR(92))) THEN \"TENANT\" END \
         AS \"TENANT\" FROM \"warehouse\".\"sales\".\"t\" WHERE (tenant = ('o''b' || CHR(92))))"
    );
    assert_eq!(
        query(
            Dialect::Databricks,
            &[("a`b", "INT", "mask:bucket(3)"), ("d", "DATE", "mask:date(month)")],
            None
        ),
        "(SELECT CASE WHEN `a``b` IS NOT NULL THEN CAST(greatest(CAST(`a``b` AS DECIMAL(38, 0)) - \
         mod(mod(CAST(`a``b` AS DECIMAL(38, 0)), CAST(3 AS DECIMAL(38, 0))) + CAST(3 AS DECIMAL(38, 0)), \
         CAST(3 AS DECIMAL(38, 0))), CAST('-2147483648' AS DECIMAL(38, 0))) AS INT) END AS `a``b`, \
         CAST(date_trunc('month', `d`) AS DATE) AS `d` FROM `warehouse`.`sales`.`t`)"
    );
    assert_eq!(
        query(
            Dialect::Redshift,
            &[("e", "character varying(64)", "mask:hash"), ("p", "varchar", "mask:partial(1,2)")],
            None
        ),
        format!(
            "(SELECT sha2('{hex}' || CAST(\"e\" AS VARCHAR), 256) AS \"e\", CASE WHEN \"p\" IS NULL THEN NULL WHEN \
             length(\"p\") > 3 THEN left(\"p\", 1) || '***' || right(\"p\", 2) ELSE '***' END AS \"p\" \
             FROM \"warehouse\".\"sales\".\"t\")"
        )
    );
}

#[test]
fn filters_over_the_row_alone_are_accepted() {
    let engine = Engine::new();
    let columns = [
        ("id", "BIGINT"),
        ("tenant", "VARCHAR"),
        ("region", "VARCHAR"),
        ("placed", "TIMESTAMP"),
        ("info", "STRUCT(k VARCHAR)"),
        ("a b", "VARCHAR"),
    ];
    let accepted = [
        "tenant = :tenant",
        "TENANT=:tenant",
        "(tenant = :tenant OR region IN (:role)) AND id > 10",
        "lower(tenant) = lower(:tenant)",
        "\"a b\" IS NULL OR \"a b\" <> 'x -- y /* z'",
        "region LIKE :tenant || '%'",
        "coalesce(tenant, 'none') = :tenant",
        "CASE WHEN id % 2 = 0 THEN TRUE ELSE tenant = :tenant END",
        "placed > current_date - INTERVAL 30 DAY",
        "date_trunc('month', placed) = DATE '2024-01-01'",
        "CAST(id AS VARCHAR) = :user",
        "id::VARCHAR = :user",
        "id BETWEEN 1 AND 5 AND NOT tenant IN ('a', 'b')",
        "info.k = :tenant",
        "TRUE",
        "starts_with(tenant, 'a')",
        "id IN (1, 2, 3) OR region IN ( :role )",
        "[tenant, region] = ['a', 'b']",
        "tenant = 'it''s'",
    ];
    let setup = "CREATE TABLE t (id BIGINT, tenant VARCHAR, region VARCHAR, placed TIMESTAMP, info STRUCT(k VARCHAR), \"a b\" VARCHAR);
        INSERT INTO t VALUES (1, 'a', 'north', now()::TIMESTAMP, {'k': 'a'}, NULL)";
    engine.connection.execute_batch(&format!("USE memory.main; {setup}")).unwrap();
    for text in accepted {
        let filter = RowFilter::new(text, &columns, Dialect::Duckdb, &engine);
        let filter = filter.unwrap_or_else(|bad| panic!("{text}: {bad}")).bind(&attributes());
        let shown = columns.iter().map(|(name, data_type)| ViewColumn {
            name: (*name).into(),
            data_type: (*data_type).into(),
            treatment: Treatment::Show,
        });
        let table = TableName::new("memory", "main", "t");
        let view = View { table, columns: shown.collect(), filter: Some(filter) };
        let query = view.query(Dialect::Duckdb, &key()).unwrap();
        run(&engine.connection, &format!("FROM {query}")).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn filters_that_reach_beyond_the_row_are_refused() {
    let engine = Engine::new();
    let columns = [("id", "BIGINT"), ("tenant", "VARCHAR")];
    let refused = [
        ("", "1 to 4096"),
        ("tenant = :nobody", ":tenant"),
        ("tennant = :tenant", "did you mean tenant?"),
        ("t.tenant = :tenant", "write a column alone"),
        ("tenant = (SELECT 'a')", "holds subquery"),
        ("id IN (SELECT id FROM orders)", "is no condition on one row"),
        ("EXISTS (FROM orders)", "is no condition on one row"),
        ("tenant = 'a') OR (TRUE", "closes a bracket"),
        ("tenant = 'a' GROUP BY id", "does not parse"),
        ("tenant = 'a'; SELECT 1", "semicolon"),
        ("tenant = 'a' -- x", "comment"),
        ("tenant = $1", "the sign $"),
        ("tenant = ?", "the sign ?"),
        ("count(*) > 1", "count_star"),
        ("max(id) > 1", "looks at many rows"),
        ("row_number() OVER () = 1", "window"),
        ("random() < 0.5", "not given by the row"),
        ("getenv('HOME') = tenant", "getenv"),
        ("current_user = tenant", "current_user"),
        ("error(tenant)", "not given by the row"),
        ("tenant IN (:tenant, :role)", "outside the brackets"),
        ("unnest([1]) = id", "not given by the row"),
        ("COLUMNS(*) = 'a'", "star"),
        ("#1 = 1", "the sign #"),
        ("tenant.lower() = 'a'", "calls tenant.lower"),
        ("NULL::finance.mood IS NULL", "is not a type of the engine"),
        ("list_filter([id], lambda x: x > 1) = [id]", "holds lambda"),
    ];
    let mut wrong = Vec::new();
    for (text, why) in refused {
        match RowFilter::new(text, &columns, Dialect::Duckdb, &engine) {
            Ok(_) => wrong.push(format!("accepted: {text}")),
            Err(bad) if !bad.to_string().contains(why) => wrong.push(format!("{text}: {bad}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn filters_of_the_warehouses() {
    let engine = Engine::new();
    let judged = |text: &str, dialect: Dialect| {
        let columns = match dialect {
            Dialect::Snowflake => {
                [("ID", "NUMBER"), ("TENANT", "TEXT"), ("DATA", "VARIANT"), ("At", "TIMESTAMP_NTZ")]
            }
            _ => [("id", "bigint"), ("tenant", "text"), ("data", "text"), ("At", "timestamp")],
        };
        RowFilter::new(text, &columns, dialect, &engine).map_err(|bad| bad.to_string())
    };
    let everywhere = [
        "tenant = :tenant",
        "TENANT = :tenant OR id IN (1, 2)",
        "lower(tenant) = lower(:tenant) AND NOT (id IS NULL)",
        "tenant IN (:role)",
        "CASE WHEN id > 5 THEN tenant = :tenant ELSE FALSE END",
        "coalesce(tenant, 'x') LIKE 'a%'",
        "id BETWEEN 1 AND 9",
        "substring(tenant, 1, 2) = 'ab'",
        "CAST(id AS VARCHAR(20)) = :user",
        "date_trunc('month', current_date) IS NOT NULL",
        "tenant || 'x' = :tenant",
    ];
    for dialect in DIALECTS.into_iter().filter(|dialect| *dialect != Dialect::Duckdb) {
        for text in everywhere {
            judged(text, dialect).unwrap_or_else(|why| panic!("{dialect} {text}: {why}"));
        }
        let refused = [
            "tenant = (SELECT max(x) FROM u)",
            "id IN (SELECT 1)",
            "EXISTS (SELECT 1)",
            "pg_sleep(1) IS NULL",
            "pg_read_file('x') = 'y'",
            "other.tenant = 'a' AND missing = 1",
            "max(id) = 1",
            "row_number() OVER (ORDER BY id) = 1",
            "public.lower(tenant) = 'a'",
            "system$wait(1) = 'x'",
            "tenant = 'a' OR",
            "tenant = 'a' tenant",
            "tenant = 'a', id = 1",
            "tenant = 'a\\' OR 1=1",
            "tenant = :missing",
            "tennant = 'a'",
            "CAST(id AS mood) = 'a'",
            "tenant = E'a'",
            "tenant = U&'a'",
            "tenant = $$a$$",
            "tenant = 'a' // x",
            "tenant = 'a' # x",
            "*",
        ];
        for text in refused {
            assert!(judged(text, dialect).is_err(), "{dialect} accepts {text}");
        }
    }
    assert!(judged("\"At\" IS NULL", Dialect::Postgres).is_ok());
    assert!(judged("At IS NULL", Dialect::Postgres).is_err(), "folds to at");
    assert!(judged("at IS NULL", Dialect::Databricks).is_ok());
    assert!(judged("`At` IS NULL", Dialect::Databricks).is_ok());
    assert!(judged("data:name::string = :tenant", Dialect::Snowflake).is_ok());
    assert!(judged("data:a.b[0] = :tenant", Dialect::Snowflake).is_ok());
    assert!(judged("tenant = \"x\"", Dialect::Databricks).is_err());
}

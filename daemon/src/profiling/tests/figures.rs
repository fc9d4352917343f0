//! Figures against values worked out by hand.

use super::*;
use wharf_protocol::{ColumnKind, Figure};

const PLANTED: &str = "
    create table t (i integer, amount decimal(38,2), price double, word varchar, fixed varchar, gone integer, yes boolean, day date, seen timestamptz);
    insert into t values
      (1, 0.10, 1.5,        'a',  'k', null, true,  '2024-01-01', '2024-01-01 10:00:00+02'),
      (2, 0.20, 2.5,        'b',  'k', null, true,  '2024-01-02', null),
      (2, 0.20, 2.5,        'b',  'k', null, true,  '2024-01-02', null),
      (3, 999999999999999999999999999999999999.99, 'nan', '', 'k', null, false, '-0043-03-15', '2024-06-01 00:00:00.5+00'),
      (4, -0.05, 'inf',     'éé', 'k', null, null,  '2024-01-11', null),
      (0, 0.00, -2.0,       null, 'k', null, false, '2024-01-04', null);";

#[tokio::test]
async fn a_small_table_is_told_exactly() {
    let world = World::database(PLANTED).await;
    let p = world.profile("t").await;
    assert_eq!((p.table.as_str(), p.rows, p.reused), ("d.main.t", 6, false));
    assert_eq!(p.duplicate_rows, Figure { value: 1, exact: true });
    assert_eq!(p.notes, Vec::<String>::new());

    let i = column(&p, "i");
    let number = i.number.as_ref().unwrap();
    assert_eq!((i.kind, i.r#type.as_str(), i.nulls), (ColumnKind::Number, "INTEGER", 0));
    assert_eq!(i.distinct, Figure { value: 5, exact: true });
    assert_eq!((i.min.as_deref(), i.max.as_deref()), (Some("0"), Some("4")));
    assert_eq!(
        (number.sum.as_deref(), number.mean, number.zeros, number.negative),
        (Some("12"), Some(2.0), 1, 0)
    );
    assert!((number.std.unwrap() - 2.0_f64.sqrt()).abs() < 1e-12);
    let quantiles: Vec<_> = number.quantiles.iter().map(|q| (q.q, q.value.as_str(), q.exact)).collect();
    assert_eq!(
        quantiles,
        [(0.05, "0", true), (0.25, "1", true), (0.5, "2", true), (0.75, "3", true), (0.95, "4", true)]
    );
    assert_eq!(counts(i), [1, 1, 2, 1, 1]);
    assert_eq!(top(i), [("2", 2), ("0", 1), ("1", 1), ("3", 1), ("4", 1)]);

    let amount = column(&p, "amount");
    let number = amount.number.as_ref().unwrap();
    assert_eq!(amount.max.as_deref(), Some("999999999999999999999999999999999999.99"));
    assert_eq!(amount.min.as_deref(), Some("-0.05"));
    assert_eq!(number.sum.as_deref(), Some("1000000000000000000000000000000000000.44"));
    assert_eq!((number.zeros, number.negative), (1, 1));

    let price = column(&p, "price");
    let number = price.number.as_ref().unwrap();
    assert_eq!((price.min.as_deref(), price.max.as_deref()), (Some("-2.0"), Some("2.5")));
    assert_eq!((number.mean, number.not_finite, number.sum.as_deref()), (Some(1.125), 2, None));
    assert_eq!(counts(price).iter().sum::<u64>(), 4);
    assert_eq!(price.distinct.value, 5);
    assert_eq!(alerts(&p, Some("price")), ["not_finite"]);
}

#[tokio::test]
async fn texts_times_and_truths_have_their_own_figures() {
    let world = World::database(PLANTED).await;
    let p = world.profile("d.t").await;
    let word = column(&p, "word");
    let text = word.text.as_ref().unwrap();
    assert_eq!((text.min_length, text.max_length, text.empty), (0, 2, 1));
    assert!((text.mean_length - 1.0).abs() < 1e-12);
    assert_eq!((word.nulls, word.distinct.value), (1, 4));
    assert_eq!(top(word)[0], ("b", 2));
    assert_eq!(alerts(&p, Some("fixed")), ["constant"]);
    assert_eq!(alerts(&p, Some("gone")), ["all_null"]);
    let gone = column(&p, "gone");
    assert_eq!((gone.min.as_ref(), gone.distinct.value, gone.histogram.len()), (None, 0, 0));
    assert_eq!(alerts(&p, None), ["duplicates"]);
    assert_eq!(top(column(&p, "yes")), [("true", 3), ("false", 2)]);
    let day = column(&p, "day");
    assert_eq!(
        (day.kind, day.min.as_deref(), day.max.as_deref()),
        (ColumnKind::Time, Some("-0043-03-15"), Some("2024-01-11"))
    );
    assert_eq!(day.histogram.len(), 20);
    assert_eq!(day.histogram[0].low, "-0043-03-15");
    assert_eq!((day.histogram[19].high.as_str(), day.histogram[19].count), ("2024-01-11", 5));
    let seen = column(&p, "seen");
    assert_eq!(seen.min.as_deref(), Some("2024-01-01T08:00:00Z"));
    assert_eq!(seen.max.as_deref(), Some("2024-06-01T00:00:00.500Z"));
    assert_eq!(seen.histogram[0].low, "2024-01-01T08:00:00Z");
    assert_eq!(alerts(&p, Some("seen")), ["mostly_null", "unique"]);
}

#[tokio::test]
async fn correlations_leave_out_what_is_missing_and_are_undefined_for_constants() {
    let world = World::database(
        "create table c as select i as a, 2 * i as b, case when i % 2 = 0 then -i end as c, 1 as one, \
         case when i = 3 then 'nan'::double else i end as d from range(10) r(i);",
    )
    .await;
    let p = world.profile("c").await;
    let r = |a: &str, b: &str| p.correlations.iter().find(|c| c.a == a && c.b == b).unwrap().r;
    assert_eq!(p.correlations.len(), 10);
    assert!((r("a", "b").unwrap() - 1.0).abs() < 1e-12);
    assert!((r("a", "c").unwrap() + 1.0).abs() < 1e-12);
    assert!((r("b", "d").unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(r("a", "one"), None);
    assert!(alerts(&p, Some("a")).contains(&"high_correlation"));
    assert!(alerts(&p, Some("a")).contains(&"unique"));
}

#[tokio::test]
async fn many_rows_keep_exact_what_is_cheap_and_say_what_is_estimated() {
    let world = World::database(
        "create table big as select i, i % 7 as week, i // 3 as mid, i / 4.0 as x, 'n' || i as name from range(300000) r(i);",
    )
    .await;
    let p = world.profile("big").await;
    assert_eq!(p.rows, 300_000);
    assert_eq!(p.duplicate_rows, Figure { value: 0, exact: true });
    let i = column(&p, "i");
    assert_eq!(i.distinct, Figure { value: 300_000, exact: true });
    let number = i.number.as_ref().unwrap();
    assert_eq!(number.sum.as_deref(), Some("44999850000"));
    assert_eq!(number.mean, Some(149_999.5));
    let quantiles: Vec<_> = number.quantiles.iter().map(|q| (q.value.as_str(), q.exact)).collect();
    assert_eq!(quantiles[..3], [("14999", true), ("74999", true), ("149999", true)]);
    assert_eq!(counts(i), vec![15_000; 20]);
    assert_eq!(top(column(&p, "week"))[0], ("0", 42_858));
    assert_eq!(column(&p, "name").distinct, Figure { value: 300_000, exact: true });
    let mid = column(&p, "mid");
    assert_eq!((mid.distinct.value, mid.distinct.exact, mid.top_exact), (100_000, true, true));
    assert_eq!((top(mid)[0], top(mid)[9]), (("0", 3), ("9", 3)));
    let steps = world.steps.lock().unwrap();
    assert!(steps.windows(2).all(|s| s[0].done <= s[1].done), "{steps:?}");
}

#[tokio::test]
async fn rows_that_repeat_in_a_large_table_are_counted_by_their_hash_and_said_to_be() {
    let world = World::database("create table twice as select i % 600000 as a, i % 600000 as b, 1 as c, 2 as d, 3 as e from range(900000) r(i);").await;
    let p = world.profile("twice").await;
    assert_eq!(p.duplicate_rows, Figure { value: 300_000, exact: false });
    assert_eq!(alerts(&p, None), ["duplicates"]);
}

#[tokio::test]
async fn every_type_has_a_profile() {
    let world = World::database(
        "create type mood as enum ('sad', 'ok');
         create table v as select * from (values
           (1::tinyint, 18446744073709551615::ubigint, 170141183460469231731687303715884105727::hugeint, 340282366920938463463374607431768211455::uhugeint, '12345678901234567890123456789012345678901234567890'::bignum,
            1e308::double, 1.5::float, 'ok'::mood, '\\xAA\\xBB'::blob, [1, 2], {'a': 1}, map {'k': 1}, interval 1 day, time '10:00:00', '10:00:00+02'::timetz,
            timestamp_ns '2024-01-01 00:00:00.123456789', '{\"a\": 1}'::json, uuid '00000000-0000-0000-0000-000000000001', '101'::bit, date 'infinity'),
           (2, 0, 1, 1, 1, -1e308, -1.5, 'sad', '\\xAA\\xBB', [1, 2], {'a': 2}, map {'k': 2}, interval 2 day, time '11:00:00', '11:00:00+02',
            timestamp_ns '2024-01-02 00:00:00', '{\"a\": 2}', uuid '00000000-0000-0000-0000-000000000002', '111', date '2024-01-01'))
         t(tiny, ubig, huge, uhuge, big, dbl, flt, mood, blob, list, struct, map, ival, time, timetz, ns, json, uuid, bits, day);",
    )
    .await;
    let p = world.profile("v").await;
    assert_eq!(p.notes, Vec::<String>::new());
    assert!(p.columns.iter().all(|c| c.nulls == 0 && c.distinct.exact), "{:#?}", p.columns);
    let sum = |name: &str| column(&p, name).number.as_ref().unwrap().sum.clone().unwrap();
    assert_eq!(sum("ubig"), "18446744073709551615");
    assert_eq!(sum("huge"), "170141183460469231731687303715884105728");
    assert_eq!(sum("uhuge"), "340282366920938463463374607431768211456");
    assert_eq!(sum("big"), "12345678901234567890123456789012345678901234567891");
    assert_eq!(column(&p, "uhuge").max.as_deref(), Some("340282366920938463463374607431768211455"));
    let dbl = column(&p, "dbl").number.as_ref().unwrap();
    assert_eq!(dbl.mean, Some(0.0));
    assert_eq!(counts(column(&p, "dbl")).iter().sum::<u64>(), 2);
    assert_eq!(column(&p, "list").distinct.value, 1);
    assert_eq!(top(column(&p, "struct")), [("{\"a\":1}", 1), ("{\"a\":2}", 1)]);
    assert_eq!(top(column(&p, "blob")), [("qrs=", 2)]);
    assert_eq!(column(&p, "blob").text.as_ref().unwrap().max_length, 2);
    assert_eq!(column(&p, "mood").min.as_deref(), Some("ok"));
    assert_eq!(column(&p, "ns").max.as_deref(), Some("2024-01-02T00:00:00"));
    assert_eq!(column(&p, "time").histogram.first().unwrap().low, "10:00:00");
    assert_eq!(column(&p, "day").max.as_deref(), Some("infinity"));
    assert_eq!(counts(column(&p, "day")), [1]);
    assert_eq!(column(&p, "uuid").kind, ColumnKind::Text);
}

//! Statements of every kind with the answer they must get.

use crate::support::{Engine, MARKER, policy};
use wharf_policy::check;

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("##"))
}

#[test]
fn honest_statements_pass_and_run_without_a_leak() {
    let (engine, policy) = (Engine::new(), policy());
    let mut wrong = Vec::new();
    for sql in lines(include_str!("allow.txt")) {
        match check(sql, &policy, &engine) {
            Err(denial) => wrong.push(format!("{sql}\n    denied: {} {denial}", denial.code)),
            Ok(checked) if !checked.parameters.is_empty() => {}
            Ok(_) => match engine.run(sql) {
                Ok(result) if result.contains(MARKER) => wrong.push(format!("{sql}\n    leaked")),
                Ok(_) => {}
                Err(error) => wrong.push(format!("{sql}\n    does not run: {error}")),
            },
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn refused_statements_are_refused_for_the_right_reason() {
    let (engine, policy) = (Engine::new(), policy());
    let mut wrong = Vec::new();
    for line in lines(include_str!("deny.txt")) {
        let (code, sql) = line.split_once('|').unwrap();
        match check(sql.strip_prefix(' ').unwrap_or(sql), &policy, &engine) {
            Ok(checked) => wrong.push(format!("{sql}\n    allowed: {checked:?}")),
            Err(denial) if denial.code.to_string() != code.trim() => {
                wrong.push(format!("{sql}\n    {} but not {}: {denial}", denial.code, code.trim()));
            }
            Err(denial) => {
                let message = &denial.message;
                assert!(!message.ends_with('.'), "{message}");
                assert!(message.chars().next().is_some_and(|first| !first.is_control()), "{message}");
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_answer_says_what_is_read() {
    let (engine, policy) = (Engine::new(), policy());
    let sql = "SELECT upper(name), $n FROM CUSTOMERS, sales.orders o, (FROM Orders) WHERE o.id = $id + 1";
    let checked = check(sql, &policy, &engine).unwrap();
    let tables: Vec<String> = checked.tables.iter().map(ToString::to_string).collect();
    assert_eq!(tables, ["warehouse.sales.customers", "warehouse.sales.orders"]);
    assert_eq!(checked.parameters, ["n", "id"]);
    assert_eq!(checked.functions, ["upper"]);
    assert!(!checked.explain && !checked.several_steps);
    assert!(check("EXPLAIN SELECT 1", &policy, &engine).unwrap().explain);
    assert!(check("PIVOT orders ON region", &policy, &engine).unwrap().several_steps);
}

#[test]
fn a_refusal_says_where_and_what_next() {
    let (engine, policy) = (Engine::new(), policy());
    let denial = check("SELECT *\n  FROM ordrs", &policy, &engine).unwrap_err();
    assert_eq!(denial.place.map(|place| (place.line, place.column)), Some((2, 8)));
    assert_eq!(denial.nearest, ["warehouse.sales.orders"]);
    assert_eq!(denial.hint.as_deref(), Some("did you mean warehouse.sales.orders?"));
    let denial = check("EXPLAIN SELECT lowr('x')", &policy, &engine).unwrap_err();
    assert_eq!(denial.place.map(|place| (place.line, place.column)), Some((1, 16)));
    assert!(denial.nearest.contains(&"lower".to_owned()), "{:?}", denial.nearest);
    let denial = check("SELECT 1;\nSELECT 2", &policy, &engine).unwrap_err();
    assert_eq!(denial.place.map(|place| place.line), Some(2));
}

//! Models that are right and models that are wrong.

use wharf_semantic::lint;

use crate::support;

#[test]
fn every_model_gets_its_verdict() {
    let Some(folder) = support::folder() else { return };
    let mut failed = Vec::new();
    for case in support::json(&folder, "validate.json").as_array().expect("cases") {
        let file = case["file"].as_str().expect("a file");
        let text = std::fs::read_to_string(folder.join(file)).expect("a file");
        let tables: Vec<&str> =
            case["tables"].as_array().expect("tables").iter().filter_map(|t| t.as_str()).collect();
        let errors = lint(&[(file, &text)], Some(&tables));
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let wanted = &case["expect"];
        if wanted["valid"] == true && !errors.is_empty() || wanted["valid"] == false && errors.is_empty() {
            failed.push(format!("{}: {} {shown:?}", case["id"], case["title"]));
        }
        for mention in wanted["must_mention"].as_array().into_iter().flatten().filter_map(|m| m.as_str()) {
            if !errors.iter().any(|error| error.message.contains(mention)) {
                failed.push(format!("{}: no mention of {mention} in {shown:?}", case["id"]));
            }
        }
        if errors.iter().any(|error| error.line == 0 || error.column == 0) {
            failed.push(format!("{}: an error without a place {shown:?}", case["id"]));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

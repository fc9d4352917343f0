//! Rules and limits: shown, set, tried out.

use super::access::Asker;
use super::failure::{Body, Failure};
use super::tables::{kept_for, subject};
use crate::gate::{Rights, Statement};
use crate::identity::{Kind, Principal, Who};
use crate::policies::Subject;
use axum::Json;
use serde_json::json;
use std::fmt::Display;
use wharf_protocol::{
    ApiError, ErrorKind, PolicyBook, PolicyChange, PolicyChanged, PolicyTest, PolicyVerdict, Role, RuleEntry,
    TableRule,
};

pub(super) async fn show(asker: Asker) -> Result<Json<PolicyBook>, Failure> {
    Ok(Json(asker.gate.policies().all().await?))
}

pub(super) async fn set(
    asker: Asker,
    Body(change): Body<PolicyChange>,
) -> Result<Json<PolicyChanged>, Failure> {
    let subject = subject(&asker, change.subject.as_deref()).await?;
    let before = asker.gate.policies().all().await?;
    let told = match (change.table, change.rule, change.limits) {
        (Some(name), Some(rule), None) => {
            let [source, schema, table] =
                ruled(&asker, &before, &subject, &name, change.source.as_deref(), &rule).await?;
            let name = format!("{source}.{schema}.{table}");
            let entry = RuleEntry { subject, source, schema, table, rule };
            let what = serde_json::to_string(&entry).unwrap_or_default();
            asker.audit("policy set", what, "started").await?;
            asker.gate.policies().set_rule(&entry).await?;
            let same = |r: &&RuleEntry| RuleEntry { rule: entry.rule.clone(), ..(*r).clone() } == entry;
            let until_now = before.rules.iter().find(same).map(|r| r.rule.clone()).unwrap_or_default();
            let now = format!("{} sees {name} with {}", entry.subject, entry.rule);
            changed(now, &until_now, &entry.rule)
        }
        (None, None, Some(limits)) => {
            let all =
                [limits.rows, limits.bytes, limits.seconds, limits.concurrent, limits.per_day, limits.cost];
            if all.into_iter().flatten().any(|n| i64::try_from(n).is_err()) {
                let message = format!("a limit is at most {}", i64::MAX);
                return Err(Failure(ApiError::new(ErrorKind::Invalid, "bad_limit", message)));
            }
            let what = json!({"subject": subject, "limits": limits}).to_string();
            asker.audit("policy set", what, "started").await?;
            asker.gate.policies().set_limits(&subject, &limits).await?;
            let same = before.limits.iter().find(|l| l.subject == subject);
            let until_now = same.map(|l| l.limits.clone()).unwrap_or_default();
            changed(format!("{subject} takes at most {limits}"), &until_now, &limits)
        }
        _ => {
            let message = "a rule goes with a table, limits go without";
            return Err(Failure(
                ApiError::new(ErrorKind::Invalid, "bad_policy", message)
                    .hint("send table and rule, or limits"),
            ));
        }
    };
    Ok(Json(PolicyChanged::done(told, None)))
}

/// What holds from here on, and what it stands in the place of: else a filter would go unseen when a mask is set.
fn changed<T: Display + Default + PartialEq>(now: String, until_now: &T, then: &T) -> String {
    if *until_now == T::default() || until_now == then {
        return now;
    }
    format!("{now}; until now: {until_now}")
}

/// The table that a rule is for. To take a rule away the table need not be there any more.
async fn ruled(
    asker: &Asker,
    before: &PolicyBook,
    subject: &str,
    name: &str,
    source: Option<&str>,
    rule: &TableRule,
) -> Result<[String; 3], ApiError> {
    match asker.rooms().gate.table(name, source).await {
        Ok(table) => {
            crate::gate::check_rule(&asker.rooms().gate, &table, rule)?;
            Ok([table.catalog, table.schema, table.name])
        }
        Err(error) if *rule == TableRule::default() => {
            let theirs = before.rules.iter().filter(|r| r.subject == subject);
            let kept = theirs.map(|r| [r.source.as_str(), r.schema.as_str(), r.table.as_str()]);
            kept_for(name, source, kept).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// What would happen if somebody ran a statement, and why. Nothing is run.
pub(super) async fn test(asker: Asker, Body(test): Body<PolicyTest>) -> Result<Json<PolicyVerdict>, Failure> {
    let name = subject(&asker, Some(&test.subject)).await?;
    let (principal, subjects) = stand_in(&asker, &Subject::parse(&name)?).await?;
    let effective = asker.gate.policies().of_subjects(principal.clone(), subjects).await?;
    let mut statement = Statement::new("policy test", Rights::Source, test.sql);
    statement.source = test.source;
    let judged = asker.rooms().gate.acting_for(principal).judge(statement, effective.clone()).await;
    let mut verdict = PolicyVerdict {
        decision: "allow".to_owned(),
        error: None,
        subjects: effective.subjects().to_vec(),
        tables: Vec::new(),
        rules: Vec::new(),
        limits: effective.limits(),
        rewritten: None,
        route: None,
        estimated_rows: None,
        estimated_bytes: None,
    };
    match judged {
        Ok(judged) => {
            verdict.rules = judged.tables.iter().flat_map(|t| effective.rules(t)).cloned().collect();
            verdict.tables = judged.tables.iter().map(ToString::to_string).collect();
            verdict.route = Some(judged.route);
            verdict.estimated_rows = judged.estimate.and_then(|e| e.rows);
            verdict.estimated_bytes = judged.estimate.and_then(|e| e.bytes);
            // Whoever has the key of hashes can try out what was hashed.
            verdict.rewritten = Some(match verdict.rules.is_empty() {
                true => judged.sql,
                false => asker.gate.policies().mask_key()?.hide(&judged.sql),
            });
        }
        Err(error) => {
            verdict.decision = "deny".to_owned();
            verdict.error = Some(error);
        }
    }
    Ok(Json(verdict))
}

/// Somebody who is what the subject says, and nothing else.
async fn stand_in(asker: &Asker, subject: &Subject) -> Result<(Principal, Vec<String>), ApiError> {
    let nobody = |kind, id: &str| Who {
        kind,
        id: id.to_owned(),
        email: String::new(),
        label: id.to_owned(),
        swarm: None,
        tenant: None,
        roles: Vec::new(),
        login: None,
    };
    let identity = &asker.rooms().identity;
    let who = match subject {
        Subject::User(name) => {
            let user = identity.user(name).await?;
            Who { tenant: user.tenant, roles: user.roles, ..nobody(Kind::User, name) }
        }
        Subject::Agent(id) => {
            let token = identity.token(id).await?;
            let tenant = match (&token.tenant, &token.swarm_id) {
                (None, Some(swarm)) => identity.token(swarm).await?.tenant,
                (tenant, _) => tenant.clone(),
            };
            Who { swarm: token.swarm_id, tenant, roles: token.roles, ..nobody(Kind::Agent, id) }
        }
        Subject::Swarm(id) => {
            let token = identity.token(id).await?;
            Who {
                swarm: Some(id.clone()),
                tenant: token.tenant,
                roles: vec![Role::Agent],
                ..nobody(Kind::Agent, "anyone")
            }
        }
        Subject::Role(role) => Who { roles: vec![*role], ..nobody(Kind::User, "anyone") },
        Subject::Tenant(tenant) => Who { tenant: Some(tenant.clone()), ..nobody(Kind::User, "anyone") },
        Subject::Everyone => nobody(Kind::User, "anyone"),
    };
    let principal = Principal::from(who);
    let subjects = principal.subjects();
    Ok((principal, subjects))
}

//! Rules and limits: shown, set, tried out.

use super::access::Asker;
use super::failure::{Body, Failure};
use super::tables::subject;
use crate::gate::{Rights, Statement};
use crate::identity::{Kind, Principal, Who};
use crate::policies::Subject;
use axum::Json;
use serde_json::json;
use wharf_protocol::{
    ApiError, ErrorKind, PolicyBook, PolicyChange, PolicyChanged, PolicyTest, PolicyVerdict, Role, RuleEntry,
};

pub(super) async fn show(asker: Asker) -> Result<Json<PolicyBook>, Failure> {
    Ok(Json(asker.gate.policies().all().await?))
}

pub(super) async fn set(
    asker: Asker,
    Body(change): Body<PolicyChange>,
) -> Result<Json<PolicyChanged>, Failure> {
    let subject = subject(&asker, change.subject.as_deref()).await?;
    let told = match (change.table, change.rule, change.limits) {
        (Some(name), Some(rule), None) => {
            let table = asker.rooms().gate.table(&name, change.source.as_deref()).await?;
            crate::gate::check_rule(&asker.rooms().gate, &table, &rule)?;
            let name = format!("{}.{}.{}", table.catalog, table.schema, table.name);
            let entry =
                RuleEntry { subject, source: table.catalog, schema: table.schema, table: table.name, rule };
            let what = serde_json::to_string(&entry).unwrap_or_default();
            asker.audit("policy set", what, "started").await?;
            asker.gate.policies().set_rule(&entry).await?;
            format!("the rule of {} for {name} is set", entry.subject)
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
            format!("the limits of {subject} are set")
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
    };
    match judged {
        Ok(judged) => {
            verdict.rules = judged.tables.iter().flat_map(|t| effective.rules(t)).cloned().collect();
            verdict.tables = judged.tables.iter().map(ToString::to_string).collect();
            verdict.rewritten = Some(judged.sql);
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

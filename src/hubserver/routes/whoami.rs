//! `GET /api/whoami-v2`: whose token this is.

use axum::http::StatusCode;
use serde_json::json;

use crate::hubserver::access::{Grant, Viewer};
use crate::hubserver::ask::Ask;
use crate::hubserver::reply::{Refusal, Response, json as reply};

/// Answers with the token's user.
pub fn answer(ask: &Ask) -> Result<Response, Refusal> {
    let Viewer::User(token) = &ask.viewer else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Invalid username or password."));
    };
    let access_token = if token.grant == Grant::NoScope {
        json!({ "displayName": "hub", "role": "fineGrained", "fineGrained": { "canReadGatedRepos": false, "global": [], "scoped": [] } })
    } else {
        json!({ "displayName": "hub", "role": "read" })
    };
    let user = json!({
        "type": "user", "id": token.user, "name": token.user, "fullname": token.user, "isPro": false, "orgs": [],
        "auth": { "type": "access_token", "accessToken": access_token },
    });
    Ok(reply(StatusCode::OK, &user))
}

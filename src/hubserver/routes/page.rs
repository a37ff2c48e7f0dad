//! Long answers in pages, chained by `Link` headers.

use axum::http::StatusCode;
use serde_json::Value;

use crate::hubserver::ask::Ask;
use crate::hubserver::reply::{Refusal, Response, json, set};

/// The page of `items` that the request's cursor asks for, and the cursor of the next one.
///
/// A cursor names the last item of the page before, so that pages neither repeat nor skip what is added meanwhile.
pub fn cut<'a, T>(ask: &Ask, items: &'a [T], size: usize, name: impl Fn(&T) -> &str) -> Result<(&'a [T], Option<String>), Refusal> {
    let start = match ask.parameter("cursor") {
        None => 0,
        Some(cursor) => after(&cursor, items, &name).ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "Invalid cursor"))?,
    };
    let end = start.saturating_add(size).min(items.len());
    let last = items[start..end].last().filter(|_| end < items.len());
    Ok((&items[start..end], last.map(|item| hex::encode(name(item)))))
}

fn after<T>(cursor: &str, items: &[T], name: impl Fn(&T) -> &str) -> Option<usize> {
    let last = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
    items.iter().position(|item| name(item) == last).map(|at| at + 1)
}

/// A page as an answer.
pub fn answer(ask: &Ask, items: Vec<Value>, next: Option<String>) -> Response {
    let mut response = json(StatusCode::OK, &Value::Array(items));
    if let Some(cursor) = next {
        set(response.headers_mut(), "link", ask.next_link(&cursor));
    }
    response
}

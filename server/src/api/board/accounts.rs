//! Lists of accounts by state and by name prefix.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::problems::{BadRequest, Forbidden, Unauthenticated};
use crate::api::{Caller, query};
use crate::app::App;
use crate::board::shared::accounts::{AccountFilter, AccountState, ListedAccount as Listed, list};
use crate::error::WebError;

/// Accounts per page.
const PAGE_ROWS: usize = 100;

/// Selects the accounts of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AccountsQuery {
    /// `all`, `untouched`, `not-downloaded`, `downloaded`, `moved`, `failed`, `locked` or `closed`; default: all.
    state: Option<String>,
    /// Prefix of the username or e-mail address.
    beginning: Option<String>,
    /// Cursor of the next page: `after` of the previous response.
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct Accounts {
    /// The accounts in order of creation, 100 per page.
    accounts: Vec<ListedAccount>,
    /// Cursor of the next page, if there may be one.
    after: Option<i64>,
}

/// An account in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedAccount {
    /// The username.
    username: String,
    /// The diaspora* ID.
    account: String,
    /// The e-mail address; empty after the pod was shut down.
    email: String,
    /// The time at which it was last seen on the pod.
    last_seen: Option<DateTime<Utc>>,
    /// The time at which its first archive was created.
    archive_made_at: Option<DateTime<Utc>>,
    /// The time of its last download.
    downloaded_at: Option<DateTime<Utc>>,
    /// The lists that contain it, except `all`: `failed` if its newest request has failed, and so on.
    states: Vec<&'static str>,
}

impl ListedAccount {
    fn of(host: &str, listed: Listed) -> Self {
        let states = AccountState::ALL.into_iter();
        let states = states.filter(|state| *state != AccountState::All && listed.is_in(*state));
        let states = states.map(AccountState::as_str).collect();
        let time = |millis: Option<i64>| millis.and_then(DateTime::from_timestamp_millis);
        Self {
            account: format!("{}@{host}", listed.row.username),
            username: listed.row.username,
            email: listed.row.email,
            last_seen: listed.row.last_seen,
            archive_made_at: time(listed.made_at),
            downloaded_at: time(listed.downloaded_at),
            states,
        }
    }
}

/// Lists accounts in a state or with a name prefix. For podmins.
#[utoipa::path(get, path = "/api/v1/board/accounts", tag = "board", security(("token" = []), ("session" = [])),
    params(AccountsQuery),
    responses((status = 200, body = Accounts),
        BadRequest, Unauthenticated, Forbidden))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    parameters: Result<Query<AccountsQuery>, QueryRejection>,
) -> Result<Json<Accounts>, WebError> {
    caller.check_board_read(&app).await?;
    let parameters = query(parameters)?;
    let state = match parameters.state.as_deref() {
        None => AccountState::All,
        Some(name) => AccountState::parse(name)
            .ok_or_else(|| WebError::BadRequest("there is no such state".to_owned()))?,
    };
    let filter = AccountFilter { state, prefix: parameters.beginning.as_deref() };
    let (listed, after) = list(&app, filter, parameters.after.unwrap_or(0), PAGE_ROWS).await?;
    let host = app.config.pod_url.diaspora_host();
    let accounts = listed.into_iter().map(|account| ListedAccount::of(&host, account)).collect();
    Ok(Json(Accounts { accounts, after }))
}

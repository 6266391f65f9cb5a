//! Lookup of a person's own archives.

use std::fmt;
use std::str::FromStr;

use pappus_engine::departures::{MadeArchive, OpenedArchive, Origin, RequestError};

use super::depot_of;
use crate::app::App;
use crate::board::Closing;
use crate::error::WebError;
use crate::sessions::Person;

/// The name of an archive in URLs: `r42` for that of a request, `c3` for that of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub(super) Origin);

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Name {
    type Err = WebError;

    fn from_str(text: &str) -> Result<Self, WebError> {
        let number = |digits: &str| digits.parse::<i64>().map_err(|_| WebError::NotFound);
        match text.split_at_checked(1) {
            Some(("r", digits)) => number(digits).map(|id| Self(Origin::Request(id))),
            Some(("c", digits)) => number(digits).map(|id| Self(Origin::Campaign(id))),
            _ => Err(WebError::NotFound),
        }
    }
}

/// Returns an archive of this person while archives can be downloaded; others' archives are not found.
pub(super) async fn find_downloadable(
    app: &App,
    person: &Person,
    name: &str,
) -> Result<MadeArchive, WebError> {
    let archive = find(app, person, name).await?;
    require_downloads(app).await?;
    Ok(archive)
}

/// Returns an archive of this person, even after the downloads have ended.
pub(super) async fn find(app: &App, person: &Person, name: &str) -> Result<MadeArchive, WebError> {
    let Name(origin) = name.parse()?;
    let archive = app.portal.requests.archive(person.user_id, &origin).await?;
    // The account is compared as well: a pod that is set up again may reuse row numbers.
    archive.filter(|archive| archive.account == person.account).ok_or(WebError::NotFound)
}

/// Fails with [`WebError::Gone`] once the podmin has ended the downloads.
pub(super) async fn require_downloads(app: &App) -> Result<(), WebError> {
    if Closing::stage(app).await?.has_downloads() { Ok(()) } else { Err(WebError::Gone) }
}

/// Opens an archive for reading.
pub(super) async fn open(app: &App, archive: &MadeArchive) -> Result<OpenedArchive, WebError> {
    let depot = depot_of(app, archive.place.as_deref()).await;
    let depot = depot.ok_or_else(|| WebError::Unavailable(format!("{} cannot be reached", archive.file)))?;
    let unlock = app.keys.unlock().map_err(|error| WebError::Unavailable(error.to_string()))?;
    Ok(OpenedArchive::open(&depot, &archive.file, archive.is_sealed(), unlock).await?)
}

/// Errors of the depot or the keys are temporary.
impl From<RequestError> for WebError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TooMany => Self::TooManyArchives,
            error => Self::Unavailable(error.to_string()),
        }
    }
}

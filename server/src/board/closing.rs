//! The stages of a shutdown that the podmin moves through.

use chrono::{NaiveDate, NaiveTime};
use pappus_engine::sql::Value;
use pappus_engine::store::{StoreError, StoreRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::words::Words;

/// The stage of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Stage {
    /// The shutdown is announced.
    Announced,
    /// The pod is read-only.
    ReadOnly,
    /// Archives are created.
    Exporting,
    /// The pod itself is switched off; archives can still be downloaded.
    DownloadsOpen,
    /// Downloads have ended.
    Closed,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 5] =
        [Self::Announced, Self::ReadOnly, Self::Exporting, Self::DownloadsOpen, Self::Closed];

    /// Returns the name in the database and in URLs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether people may request new archives. Podmins may in every stage.
    pub fn takes_requests(self) -> bool {
        !matches!(self, Self::DownloadsOpen | Self::Closed)
    }

    /// Returns whether archives can be downloaded.
    pub fn has_downloads(self) -> bool {
        self != Self::Closed
    }

    /// Returns the stage with this name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// The podmin's decisions about the shutdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closing {
    /// The current stage.
    pub stage: Stage,
    /// The first day on which the pod is read-only.
    pub read_only_on: Option<NaiveDate>,
    /// The day on which the pod itself is switched off.
    pub switch_off_on: Option<NaiveDate>,
    /// The day until which archives can be downloaded.
    pub downloads_until: Option<NaiveDate>,
    /// True if the numbers are public.
    #[serde(skip)]
    pub is_public: bool,
}

impl Closing {
    /// Returns the decisions for this pod, if any.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(app: &App) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT stage, read_only_on, switch_off_on, downloads_until, is_public FROM pappus_closing \
                   WHERE pod = ?";
        let row = app.store.first("reading the shutdown", sql, &[app.config.pod_url.as_str().into()]).await?;
        row.as_ref().map(read).transpose()
    }

    /// Returns the pod's stage; `Exporting` before any decision.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stage(app: &App) -> Result<Stage, StoreError> {
        Ok(Self::of(app).await?.map_or(Stage::Exporting, |closing| closing.stage))
    }

    /// Returns the dated events, as texts.
    pub fn days(&self, words: &Words) -> Vec<(String, String)> {
        let days = [
            ("closing-read-only-on", self.read_only_on),
            ("closing-switch-off-on", self.switch_off_on),
            ("closing-downloads-until", self.downloads_until.filter(|_| self.stage.has_downloads())),
        ];
        let days = days.into_iter().filter_map(|(key, day)| {
            Some((words.say(key), words.day(day?.and_time(NaiveTime::MIN).and_utc())))
        });
        days.collect()
    }

    /// Saves the decisions.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn save(&self, app: &App) -> Result<(), StoreError> {
        let sql = "INSERT INTO pappus_closing (pod, stage, read_only_on, switch_off_on, downloads_until, is_public) \
                   VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (pod) DO UPDATE SET stage = excluded.stage, \
                   read_only_on = excluded.read_only_on, switch_off_on = excluded.switch_off_on, \
                   downloads_until = excluded.downloads_until, is_public = excluded.is_public";
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        let values: [Value<'_>; 6] = [
            app.config.pod_url.as_str().into(),
            self.stage.as_str().into(),
            day(self.read_only_on).into(),
            day(self.switch_off_on).into(),
            day(self.downloads_until).into(),
            i64::from(self.is_public).into(),
        ];
        app.store.execute("saving the shutdown", sql, &values).await.map(drop)
    }
}

fn read(row: &StoreRow) -> Result<Closing, StoreError> {
    let name: String = row.get("stage")?;
    let stage = Stage::parse(&name).ok_or_else(|| StoreError::Column {
        column: "stage".to_owned(),
        reason: format!("{name:?} is not a stage"),
    })?;
    let day = |column| row.get::<Option<String>>(column).map(|day| day.and_then(|day| day.parse().ok()));
    Ok(Closing {
        stage,
        read_only_on: day("read_only_on")?,
        switch_off_on: day("switch_off_on")?,
        downloads_until: day("downloads_until")?,
        is_public: row.get::<i64>("is_public")? != 0,
    })
}

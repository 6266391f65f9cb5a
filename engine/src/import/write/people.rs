//! The rows of people of other pods, as diaspora* writes them after a lookup.

use std::collections::{BTreeMap, HashMap};

use crate::domain::DiasporaId;
use crate::import::ImportError;
use crate::import::apply::BatchRows;
use crate::import::scan::people::NewPerson;
use crate::import::target::Target;
use crate::pod::database::{DatabaseError, OnConflict};
use crate::sql::Row;

/// A pod's host, and its port; -1 stands for the default port.
type PodAddress = (String, i64);

const PROFILE_COLUMNS: [&str; 10] = [
    "person_id",
    "full_name",
    "first_name",
    "last_name",
    "image_url",
    "image_url_medium",
    "image_url_small",
    "searchable",
    "created_at",
    "updated_at",
];

fn address(id: &DiasporaId) -> PodAddress {
    let (host, port) = id.host().split_once(':').unwrap_or((id.host(), "-1"));
    (host.to_owned(), port.parse().unwrap_or(-1))
}

/// People of other pods who are new to this one. Existing people stay unchanged.
pub(in crate::import) struct PersonRows<'a>(pub(in crate::import) &'a [NewPerson]);

impl BatchRows for PersonRows<'_> {
    async fn write(&self, target: &mut Target) -> Result<(), ImportError> {
        let (people, now) = (self.0, target.now);
        let pods = target.create_pods(people).await?;
        let rows = people
            .iter()
            .map(|person| {
                vec![
                    person.id.as_str().into(),
                    person.guid.as_str().into(),
                    person.key.as_pem().into(),
                    pods.get(&address(&person.id)).copied().into(),
                    now.into(),
                    now.into(),
                ]
            })
            .collect();
        let columns =
            ["diaspora_handle", "guid", "serialized_public_key", "pod_id", "created_at", "updated_at"];
        target.pod.insert("people", &columns, rows, OnConflict::Ignore).await?;
        Ok(target.create_profiles(people).await?)
    }
}

impl Target {
    /// Returns the row numbers of the people's pods; missing ones are created.
    async fn create_pods(&mut self, people: &[NewPerson]) -> Result<HashMap<PodAddress, i64>, DatabaseError> {
        let now = self.now;
        let pods: BTreeMap<PodAddress, bool> =
            people.iter().map(|person| (address(&person.id), person.uses_https)).collect();
        let rows = pods
            .iter()
            .map(|((host, port), uses_https)| {
                vec![host.as_str().into(), (*port).into(), (*uses_https).into(), now.into(), now.into()]
            })
            .collect();
        let columns = ["host", "port", "ssl", "created_at", "updated_at"];
        self.pod.insert("pods", &columns, rows, OnConflict::Ignore).await?;
        let hosts: Vec<&str> = pods.keys().map(|(host, _)| host.as_str()).collect();
        let sql = "SELECT id, host, port FROM pods WHERE host IN ({})";
        let rows = self.pod.rows_in("pods", sql, &hosts).await?;
        let pod = |row: &Row| {
            let address = (row.text("host")?, row.integer("port").unwrap_or(-1));
            Some((address, row.integer("id")?))
        };
        Ok(rows.iter().filter_map(pod).collect())
    }

    /// Creates profiles for those of the people who have none.
    async fn create_profiles(&mut self, people: &[NewPerson]) -> Result<(), DatabaseError> {
        let (now, dialect) = (self.now, self.pod.dialect());
        let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
        let sql = "SELECT p.id, p.diaspora_handle FROM people p LEFT JOIN profiles f ON f.person_id = p.id \
                   WHERE f.id IS NULL AND p.diaspora_handle IN ({}) ORDER BY p.id";
        let without_profile = self.pod.rows_in("people", sql, &ids).await?;
        let profiles: HashMap<&str, &NewPerson> =
            people.iter().map(|person| (person.id.as_str(), person)).collect();
        let rows = without_profile
            .iter()
            .filter_map(|row| {
                let person = profiles.get(row.text("diaspora_handle")?.as_str())?;
                let profile = person.profile.clone().without_long_addresses(dialect);
                Some(vec![
                    row.integer("id")?.into(),
                    profile.full_name().into(),
                    profile.first_name.into(),
                    profile.last_name.into(),
                    profile.image_url.into(),
                    profile.image_url_medium.into(),
                    profile.image_url_small.into(),
                    profile.searchable.into(),
                    now.into(),
                    now.into(),
                ])
            })
            .collect();
        self.pod.insert("profiles", &PROFILE_COLUMNS, rows, OnConflict::Fail).await.map(drop)
    }
}

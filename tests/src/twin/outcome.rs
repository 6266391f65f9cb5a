//! What is left of the friendships after a move.

use super::pod::Software;
use super::scene::{ASPECT, FIRST, NAME, Scene};
use crate::crowd::CrowdError;
use crate::schema::Pool;

impl Scene {
    /// Friends who have the account as they had it before: sharing both ways, in the same aspect, and on Hubzilla with
    /// its later posts. And those who have not.
    pub fn kept(&self) -> (usize, Vec<String>) {
        let (mut kept, mut lost) = (0, Vec::new());
        let new = self.new_id();
        for (host, pod) in &self.world.inner().pods {
            for user in pod.users.values() {
                let relation = user.relations.get(&new);
                let is_kept = relation.is_some_and(|relation| match pod.software {
                    Software::Diaspora => {
                        relation.sharing && relation.receiving && relation.aspects.contains(ASPECT)
                    }
                    Software::Hubzilla => relation.permitted,
                });
                if is_kept {
                    kept += 1;
                } else {
                    lost.push(format!("{} on {host}: {relation:?}", user.id));
                }
            }
        }
        (kept, lost)
    }

    /// Contacts of the account on the target pod who share with it, and who are in its aspect.
    ///
    /// # Errors
    /// [`CrowdError`].
    pub async fn back(&self) -> Result<(i64, i64), CrowdError> {
        let pool = Pool::connect(&self.database).await?;
        let of_account = format!(
            "FROM contacts c JOIN users u ON u.id = c.user_id WHERE u.username = '{NAME}' AND c.person_id >= {FIRST} \
             AND c.receiving"
        );
        let back = pool.number(&format!("SELECT COUNT(*) {of_account} AND c.sharing")).await?;
        let sql = format!(
            "SELECT COUNT(*) {of_account} AND c.id IN (SELECT m.contact_id FROM aspect_memberships m \
             JOIN aspects a ON a.id = m.aspect_id WHERE a.name = 'Old friends')"
        );
        let in_aspect = pool.number(&sql).await?;
        pool.close().await;
        Ok((back, in_aspect))
    }

    /// Users of the friends' pods who have got neither, one or both of the account's posts: their IDs, and how many.
    pub fn read_by(&self) -> Vec<(String, usize)> {
        let new = self.new_id();
        let count = |stream: &[String]| stream.iter().filter(|author| **author == new).count();
        let inner = self.world.inner();
        let users = inner.pods.values().flat_map(|pod| pod.users.values());
        users.map(|user| (user.id.to_string(), count(&user.stream))).collect()
    }
}

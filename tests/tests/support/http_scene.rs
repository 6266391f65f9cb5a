//! Somebody with friends on a dozen pods of this machine and an old pod that still runs, all over HTTP.

use std::process::{Command, Output};

use pappus_tests::program::programs;
use pappus_tests::twin::http;
use pappus_tests::twin::pod::{Delays, Software};
use pappus_tests::twin::scene::{FriendsPod, Scene};
use tempfile::TempDir;

pub struct HttpScene {
    pub scene: Scene,
    /// People who share both ways with the account.
    pub friends: usize,
    pods: Vec<FriendsPod>,
    old_pod: String,
}

impl HttpScene {
    /// Up to the archive.
    pub async fn prepared(folder: &TempDir) -> Self {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let pod = |number: i64, software, friends| FriendsPod {
            host: format!("127.9.1.{number}:{port}"),
            software,
            friends,
        };
        let mut pods = vec![pod(1, Software::Diaspora, 20), pod(2, Software::Hubzilla, 3)];
        pods.extend((3..13).map(|number| pod(number, Software::Diaspora, 2)));
        let friends = pods.iter().map(|pod| pod.friends).sum();
        let (home, old_pod) = (format!("127.9.0.1:{port}"), format!("127.9.2.1:{port}"));
        let database = format!("sqlite:{}", folder.path().join("target.sqlite3").display());
        let (pappus, url) = (programs().join("pappus"), format!("http://{home}/"));
        let target = (database.as_str(), url.as_str());
        let scene = Scene::prepare_from(&old_pod, &pappus, folder.path(), target, &pods).await.unwrap();
        for (number, pod) in (0..).zip(scene.world.inner().pods.values_mut()) {
            // Of both kinds, from quick to slow.
            pod.delays = Delays { urgent: number * 37 % 300, high: number * 731 % 3_000, race: false };
        }
        scene.add_old_pod().await.unwrap();
        http::serve(listener, &scene.world, &scene.home, &home).unwrap();
        Self { scene, friends, pods, old_pod }
    }

    /// Up to an import that is not announced.
    pub async fn imported(folder: &TempDir) -> Self {
        let http = Self::prepared(folder).await;
        good(http.scene.import().unwrap());
        http
    }

    /// How many friends use this software.
    pub fn friends_on(&self, software: Software) -> usize {
        self.pods.iter().filter(|pod| pod.software == software).map(|pod| pod.friends).sum()
    }

    /// The friends' pods have the account as they had it before, and the old pod has closed it.
    pub fn everybody_is_a_friend(&self) {
        assert_eq!(self.scene.kept(), (self.friends, Vec::new()));
        let inner = self.scene.world.inner();
        assert!(inner.pods[&self.old_pod].performed.contains(&self.scene.old_id()), "the old pod");
    }

    /// The hosts of all pods but the target, as `allow_hosts` takes them.
    pub fn hosts(&self) -> Vec<&str> {
        self.pods.iter().map(|pod| pod.host.as_str()).chain([self.old_pod.as_str()]).collect()
    }
}

/// A program that ends well, with findings or without.
pub fn good(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 10)),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

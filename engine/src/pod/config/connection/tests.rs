use super::*;

/// Returns the address on a machine with these files.
fn url_with(values: &[(&str, &str)], files: &[&str]) -> Result<DatabaseUrl, ConfigError> {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), Zeroizing::new((*value).to_owned())));
    let exists = |path: &Path| files.iter().any(|file| Path::new(file) == path);
    let connection = Connection { values: values.collect() };
    connection.database_url_on(Path::new("/srv/diaspora"), "database.yml, production", exists)
}

fn url(values: &[(&str, &str)]) -> Result<DatabaseUrl, ConfigError> {
    url_with(values, &[])
}

fn address_of(values: &[(&str, &str)]) -> String {
    url(values).unwrap().expose().to_owned()
}

const PG: (&str, &str) = ("adapter", "postgresql");
const MYSQL: (&str, &str) = ("adapter", "mysql2");
const DB: (&str, &str) = ("database", "diaspora_production");

#[test]
fn builds_postgresql_addresses() {
    let user = ("username", "dia");
    assert_eq!(
        address_of(&[PG, DB, ("user", "rails"), ("host", "db")]),
        "postgres://rails@db/diaspora_production"
    );
    assert_eq!(
        address_of(&[PG, DB, ("user", "rails"), user, ("host", "db")]),
        "postgres://dia@db/diaspora_production"
    );
    let password = ("password", "p@ss:w/rd%41#");
    assert_eq!(
        address_of(&[PG, DB, user, password, ("host", "db.example"), ("port", "5433")]),
        "postgres://dia:p%40ss%3Aw%2Frd%2541%23@db.example:5433/diaspora_production"
    );
    assert_eq!(
        address_of(&[PG, DB, user, ("password", ""), ("host", "/var/run/postgresql"), ("port", "5433")]),
        "postgres://dia@%2Fvar%2Frun%2Fpostgresql:5433/diaspora_production"
    );
    assert_eq!(
        address_of(&[PG, DB, user, password]),
        "postgres:///diaspora_production?user=dia&password=p%40ss%3Aw/rd%2541%23"
    );
    assert_eq!(
        address_of(&[PG, DB, ("port", "5433")]),
        "postgres:///diaspora_production?port=5433&host=/var/run/postgresql"
    );
    assert_eq!(
        address_of(&[PG, DB, ("host", "::1"), ("sslmode", "require"), ("schema_search_path", "pod, public")]),
        "postgres://[::1]/diaspora_production?sslmode=require&options[search_path]=pod%2C%20public"
    );
    assert_eq!(address_of(&[("adapter", "postgis"), ("database", "a b")]), "postgres:///a%20b");
}

#[test]
fn builds_mysql_addresses() {
    let socket = ("socket", "/run/mysqld/mysqld.sock");
    let user = ("username", "root");
    assert_eq!(
        address_of(&[MYSQL, DB, user, ("password", "root"), ("host", "localhost"), ("port", "3306")]),
        "mysql://root:root@localhost:3306/diaspora_production"
    );
    let by_socket = "mysql://root@localhost/diaspora_production?socket=/run/mysqld/mysqld.sock";
    assert_eq!(address_of(&[MYSQL, DB, user, socket]), by_socket);
    assert_eq!(address_of(&[MYSQL, DB, user, socket, ("host", "localhost"), ("port", "3306")]), by_socket);
    assert_eq!(address_of(&[MYSQL, DB, user, ("host", socket.1)]), by_socket);
    assert_eq!(
        address_of(&[MYSQL, DB, socket, ("host", "10.0.0.5")]),
        "mysql://10.0.0.5/diaspora_production"
    );
    assert_eq!(
        address_of(&[
            ("adapter", "trilogy"),
            DB,
            ("ssl_mode", "SSL_MODE_VERIFY_CA"),
            ("sslca", "/etc/ca.pem")
        ]),
        "mysql://localhost/diaspora_production?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem"
    );
}

#[test]
fn a_local_mysql_is_reached_over_its_socket() {
    let (local, by_tcp) = (("host", "localhost"), "mysql://localhost/diaspora_production");
    let by_socket = "mysql://localhost/diaspora_production?socket=/var/lib/mysql/mysql.sock";
    let files = ["/tmp/mysql.sock", "/var/lib/mysql/mysql.sock"];
    let address_of = |values: &[_]| url_with(values, &files).unwrap().expose().to_owned();
    assert_eq!(address_of(&[MYSQL, DB]), by_socket);
    assert_eq!(address_of(&[MYSQL, DB, local, ("port", "")]), by_socket);
    assert_eq!(url(&[MYSQL, DB, local]).unwrap().expose(), by_tcp);
    assert_eq!(
        address_of(&[MYSQL, DB, local, ("port", "3306")]),
        "mysql://localhost:3306/diaspora_production"
    );
    assert_eq!(address_of(&[MYSQL, DB, ("host", "127.0.0.1")]), "mysql://127.0.0.1/diaspora_production");
    let custom = [MYSQL, DB, local, ("socket", "/run/own.sock")];
    assert_eq!(address_of(&custom), "mysql://localhost/diaspora_production?socket=/run/own.sock");
}

#[test]
fn paths_are_relative_to_the_pods_folder() {
    let keys = [("sslcert", "config/client.crt"), ("sslkey", "/etc/client.key")];
    assert_eq!(
        address_of(&[PG, DB, ("host", "db"), ("sslrootcert", "config/ca.pem"), keys[0], keys[1]]),
        "postgres://db/diaspora_production?sslrootcert=/srv/diaspora/config/ca.pem\
         &sslcert=/srv/diaspora/config/client.crt&sslkey=/etc/client.key"
    );
    assert_eq!(
        address_of(&[MYSQL, DB, ("host", "db"), ("sslca", "config/ca.pem"), keys[0], keys[1]]),
        "mysql://db/diaspora_production?ssl-ca=/srv/diaspora/config/ca.pem\
         &ssl-cert=/srv/diaspora/config/client.crt&ssl-key=/etc/client.key"
    );
    assert_eq!(
        address_of(&[MYSQL, DB, ("socket", "tmp/mysql.sock")]),
        "mysql://localhost/diaspora_production?socket=/srv/diaspora/tmp/mysql.sock"
    );
}

#[test]
fn builds_sqlite_addresses() {
    let sqlite = ("adapter", "sqlite3");
    assert_eq!(
        address_of(&[sqlite, ("database", "db/my pod?.sqlite3")]),
        "sqlite:///srv/diaspora/db/my%20pod%3F.sqlite3"
    );
    assert_eq!(address_of(&[sqlite, ("database", "/var/pod.sqlite3")]), "sqlite:///var/pod.sqlite3");
    assert_eq!(address_of(&[sqlite, ("database", ":memory:")]), "sqlite::memory:");
}

#[test]
fn parses_addresses_as_rails_does() {
    for (address, expected) in [
        ("postgres://u:p%40x@h:5433/d?sslmode=require&pool=5", "postgres://u:p%40x@h:5433/d?sslmode=require"),
        ("postgresql:///d", "postgres:///d"),
        ("postgis://u@%2Fvar%2Frun/d", "postgres://u@%2Fvar%2Frun/d"),
        ("mysql2://u@/d", ""),
        ("mysql2://u:p@[::1]/d?encoding=utf8mb4", "mysql://u:p@[::1]/d"),
        ("mysql2://u@localhost/d?socket=/run/m.sock", "mysql://u@localhost/d?socket=/run/m.sock"),
        ("sqlite3:db/pod.sqlite3", "sqlite:///srv/diaspora/db/pod.sqlite3"),
        ("sqlite3:///var/pod.sqlite3?timeout=5000", "sqlite:///var/pod.sqlite3"),
    ] {
        let connection = Connection::from_address(address, "DATABASE_URL").and_then(|connection| {
            connection.database_url_on(Path::new("/srv/diaspora"), "DATABASE_URL", |_| false)
        });
        match connection {
            Ok(connection) => assert_eq!(connection.expose(), expected, "{address}"),
            Err(error) => assert!(expected.is_empty(), "{address}: {error}"),
        }
    }
}

#[test]
fn errors_name_the_key_and_its_origin() {
    let password = ("password", "hunter2");
    for (values, expected) in [
        (vec![DB, password], "`adapter` is missing"),
        (vec![PG, password], "`database` is missing"),
        (vec![("adapter", "oracle"), DB, password], "adapter `oracle` is unknown"),
        (vec![PG, DB, password, ("port", "0")], "`port` is not a number"),
        (vec![MYSQL, DB, password, ("port", "tcp://x")], "`port` is not a number"),
        (vec![PG, DB, password, ("host", "db example")], "`host` is neither"),
        (vec![PG, DB, password, ("host", "h/evil?x")], "`host` is neither"),
    ] {
        let error = url(&values).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains("database.yml, production"), "{text}");
        assert!(!format!("{text}{error:?}").contains("hunter2"));
    }
    let error = Connection::from_address("postgres://u:hunter2@h:x/d", "DATABASE_URL").err().unwrap();
    assert!(error.to_string().contains("DATABASE_URL") && !error.to_string().contains("hunter2"), "{error}");
}

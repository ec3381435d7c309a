//! `--lan`: reached on every address of the machine, and telling which; on this machine alone without it.

use crate::support::{Client, NodeProcess};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_reach_a_node_on_the_lan_and_are_told_where() {
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::spawn(directory.path(), &["--lan"]);
    let said = node.stderr_with("homeroom is ready on http://[::]:").await;
    let port = said.split("homeroom is ready on http://[::]:").nth(1).unwrap();
    let port: u16 = port.split_whitespace().next().unwrap().parse().unwrap();
    Client::new(format!("http://127.0.0.1:{port}"))
        .get("/readyz")
        .await
        .expect(200);
    Client::new(format!("http://[::1]:{port}"))
        .get("/readyz")
        .await
        .expect(200);
    let said = node.stderr_with("without TLS").await;
    let urls: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split("reach this node at ").nth(1))
        .collect();
    if urls.is_empty() {
        assert!(said.contains("no address that devices could reach"), "{said}");
        println!("LEFT OUT: this machine has no address besides loopback, so none was opened");
    }
    for url in urls {
        Client::new(url.trim()).get("/readyz").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_it_a_node_is_for_this_machine_alone() {
    let directory = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(directory.path()).await;
    assert!(node.anonymous().base().starts_with("http://127.0.0.1:"));
    assert!(!node.stderr().contains("devices reach"), "{}", node.stderr());
}

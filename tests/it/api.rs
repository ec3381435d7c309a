//! Every route's good answers, with exactly the shapes of the contract.

use crate::support::Node;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_starts_and_stops_in_order() {
    let mut node = Node::start().await;
    node.anonymous().get("/healthz").await.expect(200);
    node.restart().await;
    node.anonymous().get("/readyz").await.expect(200);
    node.stop().await;
}

//! `homeroom rules check` from outside: files that can be used, and every fault of those that cannot.

use crate::support::NodeProcess;
use std::path::Path;
use std::process::{Output, Stdio};

async fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = NodeProcess::command();
    command.args(arguments).current_dir(directory).stdout(Stdio::piped());
    command.output().await.expect("the binary runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_file_is_sound_and_every_fault_of_another_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let shipped = run(here, &["rules", "shipped"]).await;
    assert_eq!(shipped.status.code(), Some(0));
    std::fs::write(here.join("shipped.toml"), &shipped.stdout).unwrap();
    let sound = run(here, &["rules", "check", "shipped.toml"]).await;
    assert_eq!(sound.status.code(), Some(0));
    let said = String::from_utf8_lossy(&sound.stdout).into_owned();
    assert_eq!(said, "shipped.toml: the rules \"shipped\" are sound\n");

    let document =
        "[actions.read_content]\npoints = -1\n\n[[caps]]\npoints = 20\nper = \"day\"\nat_kap = \"partial\"\n";
    std::fs::write(here.join("mine.toml"), document).unwrap();
    let refused = run(here, &["rules", "check", "mine.toml"]).await;
    assert_eq!(refused.status.code(), Some(5));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(
        said,
        "homeroom: mine.toml cannot be used, 2 faults in it:\n  \
         line 2: actions.read_content.points: must be a whole number from 0 to 4294967295\n  \
         line 7: caps[0].at_kap: there is no such field; did you mean at_cap?\n"
    );
    // Fields that can be read are judged together: this cap would refuse every award of most actions.
    std::fs::write(here.join("mine.toml"), "[[caps]]\npoints = 20\nper = \"day\"\n").unwrap();
    let json = run(here, &["rules", "check", "mine.toml", "--json"]).await;
    assert_eq!(json.status.code(), Some(5));
    let answer: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(answer["sound"], false);
    assert_eq!(answer["faults"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&answer["faults"][0]["line"], &answer["faults"][0]["field"]),
        (&2.into(), &"caps[0].points".into())
    );

    let missing = run(here, &["rules", "check", "nothing.toml"]).await;
    assert_eq!(missing.status.code(), Some(5));
}

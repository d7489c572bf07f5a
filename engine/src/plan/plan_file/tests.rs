//! Plans written, shortened, damaged.

use super::super::{Goal, Moment, Strategy};
use super::*;
use crate::model::Timestamp;

fn plan(keys: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.jsonl");
    let header = PlanHeader {
        schema: PLAN_SCHEMA.into(),
        source: "s3://bucket/".into(),
        target: None,
        goal: Goal::State(Moment::at(Timestamp::from_seconds(5))),
        strategy: Strategy::Fewest,
        run_id: "run".into(),
    };
    let rows = keys.iter().map(|key| {
        let row = Planned {
            key: (*key).to_owned(),
            action: Step::AddMarker,
            reason: "not-there-then".into(),
            wished: None,
            current: None,
            remove: Vec::new(),
            remove_versions: Vec::new(),
            bytes: 3,
            doubt: None,
        };
        let mut line = Vec::new();
        encode_row(&row, &mut line)?;
        Ok((row.action, row.bytes, line))
    });
    let totals = write_plan(&path, &header, rows).unwrap();
    assert_eq!((totals.rows(), totals.bytes), (keys.len() as u64, 3 * keys.len() as u64));
    (dir, path)
}

fn read(path: &Path) -> Result<(Vec<String>, Option<u64>), PlanError> {
    let mut reader = PlanReader::open(path)?;
    let mut keys = Vec::new();
    while let Some(row) = reader.next_row()? {
        keys.push(row.key);
    }
    Ok((keys, reader.rows_removed()))
}

fn edit(path: &Path, edit: impl FnOnce(Vec<String>) -> Vec<String>) {
    let lines = std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    std::fs::write(path, edit(lines).join("\n")).unwrap();
}

#[test]
fn rows_may_be_taken_out() {
    let (_dir, path) = plan(&["a\n", "b\u{1}", "c"]);
    assert_eq!(read(&path).unwrap(), (vec!["a\n".into(), "b\u{1}".into(), "c".into()], Some(0)));
    edit(&path, |mut lines| {
        lines.remove(2);
        lines
    });
    assert_eq!(read(&path).unwrap(), (vec!["a\n".into(), "c".into()], Some(1)));
}

#[test]
fn damage_is_refused() {
    type Edit = fn(Vec<String>) -> Vec<String>;
    let cut: Edit = |mut lines| {
        lines.pop();
        lines
    };
    let changed: Edit =
        |lines| lines.into_iter().map(|line| line.replace("\"bytes\":3", "\"bytes\":4")).collect();
    let swapped: Edit = |mut lines| {
        lines.swap(1, 2);
        lines
    };
    let doubled: Edit = |mut lines| {
        lines.insert(1, lines[1].clone());
        lines
    };
    let headless: Edit = |mut lines| {
        lines.remove(0);
        lines
    };
    for damage in [cut, changed, swapped, doubled, headless] {
        let (_dir, path) = plan(&["a", "b"]);
        edit(&path, damage);
        assert!(matches!(read(&path), Err(PlanError::Bad { .. })));
    }
}

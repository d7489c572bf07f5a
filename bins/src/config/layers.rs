//! One value over the other: file, environment, `--set`.

use super::trouble::Text;
use std::collections::BTreeMap;
use std::fmt;
use toml::{Table, Value};

/// Begins the names of environment variables that are values of the file.
const PREFIX: &str = "S3TWIN__";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of the file.
    File(usize),
    /// An environment variable.
    Environment(String),
    /// `--set`.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(line) => write!(f, "line {line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("--set"),
        }
    }
}

type Layered = (Table, BTreeMap<String, Origin>);

/// Lays the environment and the flags over the file.
///
/// # Errors
/// Names the value that cannot be laid over it.
pub(crate) fn stack(
    mut table: Table,
    text: &Text<'_>,
    environment: impl IntoIterator<Item = (String, String)>,
    set: &[String],
) -> Result<Layered, String> {
    let mut origins = BTreeMap::new();
    for (path, _) in leaves(&table) {
        let line = text.line(&path).unwrap_or_default();
        origins.insert(path.join("."), Origin::File(line));
    }
    let mut variables: Vec<_> =
        environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, value) in variables {
        let path: Vec<String> = name.trim_start_matches(PREFIX).split("__").map(str::to_lowercase).collect();
        let path = place(&mut table, &path, &value).map_err(|why| format!("{name}: {why}"))?;
        origins.insert(path, Origin::Environment(name));
    }
    for assignment in set {
        let (path, value) = assignment
            .split_once('=')
            .ok_or_else(|| format!("--set {assignment}: write it as --set jobs.nightly.cron='15 2 * * *'"))?;
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        let path =
            place(&mut table, &path, value.trim()).map_err(|why| format!("--set {assignment}: {why}"))?;
        origins.insert(path, Origin::Flag);
    }
    Ok((table, origins))
}

/// Names of a path at most: no value lies deeper, and what walks a table does so by recursion.
const DEPTH_MAX: usize = 16;

/// Puts a value at a path; returns the path as the file spells it.
fn place(table: &mut Table, path: &[String], value: &str) -> Result<String, String> {
    let Some((last, parents)) = path.split_last().filter(|_| path.iter().all(|part| !part.is_empty())) else {
        return Err("the name of a value is missing".to_owned());
    };
    if path.len() > DEPTH_MAX {
        return Err("no value lies so deep; `s3twin config example` shows what there is".to_owned());
    }
    let mut spelled = Vec::new();
    let mut here = table;
    for part in parents {
        let name = existing(here, part);
        spelled.push(name.clone());
        here = here
            .entry(name)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| format!("{} is a value, not a section", spelled.join(".")))?;
    }
    let name = existing(here, last);
    spelled.push(name.clone());
    if here.get(&name).is_some_and(Value::is_table) {
        return Err(format!("{} is a section, not a value", spelled.join(".")));
    }
    here.insert(name, read(value));
    Ok(spelled.join("."))
}

/// The name as it is there already, whichever of `-` and `_` and whichever case it has: variables of the
/// environment have neither.
fn existing(table: &Table, name: &str) -> String {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let found =
        table.keys().find(|key| *key == name).or_else(|| table.keys().find(|key| plain(key) == plain(name)));
    found.cloned().unwrap_or_else(|| name.to_owned())
}

/// A TOML value if it reads as one, else the words themselves.
fn read(value: &str) -> Value {
    let line = format!("value = {value}");
    let parsed = toml::from_str::<Table>(&line).ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(value.to_owned()))
}

/// Every value with its path, sections opened.
pub(crate) fn leaves(table: &Table) -> Vec<(Vec<String>, &Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => found.extend(leaves(inner).into_iter().map(|(mut path, value)| {
                path.insert(0, name.clone());
                (path, value)
            })),
            _ => found.push((vec![name.clone()], value)),
        }
    }
    found
}

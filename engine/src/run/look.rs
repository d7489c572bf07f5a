//! A second look: what stands on top of some keys now.

use crate::list::{Feed, Side, Stack, StackEntry, Versions};
use crate::model::KeyRange;
use crate::s3::Answer;
use futures::{StreamExt as _, TryStreamExt as _};
use std::collections::HashMap;
use std::sync::Arc;

/// Keys looked at one by one at once. The pace of the store is the real limit.
const LOOKS_AT_ONCE: usize = 64;
/// One page lists a thousand entries: from this share of a piece on, listing the piece is cheaper.
const SHARE: usize = 100;

/// The newest entry of each key; keys without history are not in it.
pub(super) type Tops = HashMap<Box<str>, StackEntry>;

/// Looks at keys again, which are in order. `piece` is a range that holds them and how many keys it has in all, where it is known.
pub(super) async fn tops(
    side: &Arc<Side>,
    piece: Option<(&KeyRange, usize)>,
    keys: Vec<String>,
) -> Answer<Tops> {
    match piece {
        Some((range, all)) if keys.len() * SHARE >= all => tops_in(side, range, &keys).await,
        _ => {
            let looks = futures::stream::iter(keys)
                .map(|key| async move { Ok((top_of(side, &key).await?, key)) })
                .buffer_unordered(LOOKS_AT_ONCE);
            let found: Vec<(Option<StackEntry>, String)> = looks.try_collect().await?;
            Ok(found.into_iter().filter_map(|(top, key)| Some((key.into(), top?))).collect())
        }
    }
}

/// What is on top of one key now.
pub(super) async fn top_of(side: &Arc<Side>, key: &str) -> Answer<Option<StackEntry>> {
    let newest = history_of(side, key, 1).await?;
    match newest.entries.first() {
        // Not listed newest first: it is somewhere in the history.
        Some(first) if !first.is_latest => Ok(history_of(side, key, 1000).await?.current().cloned()),
        first => Ok(first.cloned()),
    }
}

async fn tops_in(side: &Arc<Side>, range: &KeyRange, keys: &[String]) -> Answer<Tops> {
    let (mut tops, mut feed) = (Tops::new(), Versions::open(side, &range.after));
    let last = keys.last().map(String::as_str).unwrap_or_default();
    loop {
        feed.fill().await?;
        let Some(stack) = feed.item() else { return Ok(tops) };
        if &*stack.key > last {
            return Ok(tops);
        }
        if let Some(top) = stack.current()
            && keys.binary_search_by(|key| key.as_str().cmp(&stack.key)).is_ok()
        {
            tops.insert(stack.key.clone(), top.clone());
        }
        feed.advance();
    }
}

/// The history of one key: all of it, or with `max_keys` below 1,000 its newest entries.
pub(super) async fn history_of(side: &Arc<Side>, key: &str, max_keys: u16) -> Answer<Stack> {
    let whole = side.location.key(key);
    if max_keys < 1000 {
        let request = crate::s3::ListVersions {
            bucket: side.bucket().to_owned(),
            prefix: whole.clone(),
            key_marker: String::new(),
            version_id_marker: None,
            max_keys,
        };
        // Of all keys that begin like this one it is the first.
        let page = side.store.list_versions(&request).await?;
        let entries = page.iter().filter(|entry| entry.key == whole);
        let entries = entries.map(|entry| StackEntry::new(entry.version_id, entry.row)).collect();
        return Ok(Stack { key: key.into(), entries });
    }
    let mut location = side.location.clone();
    location.prefix = whole.into();
    let narrow = Arc::new(Side::new(Arc::clone(&side.store), location));
    let mut feed = Versions::open(&narrow, "");
    feed.fill().await?;
    let found = feed.item().filter(|stack| stack.key.is_empty()).cloned();
    Ok(Stack { key: key.into(), entries: found.unwrap_or_default().entries })
}

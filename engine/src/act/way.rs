//! Which way an object goes.

use super::options::{CopyMode, CopyOptions};
use super::{Failure, Seen, Way};

/// The way to try first. `server_side`: the sides share a service, and it has not refused lately.
pub(super) fn choose(source: &Seen, options: &CopyOptions, server_side: bool) -> Result<Way, Failure> {
    let server_side = match options.mode {
        CopyMode::Auto => server_side,
        CopyMode::Server if !server_side => return Err(Failure::NotOneService),
        CopyMode::Server => true,
        CopyMode::Relay => false,
    };
    // A multipart source is copied in its own parts, however small: its ETag is the cheapest later proof.
    let in_parts = source.parts().is_some();
    Ok(if server_side {
        if in_parts || source.size > options.limits.copy { Way::CopyParts } else { Way::Copy }
    } else {
        relay(source, options)
    })
}

/// The way through this process.
pub(super) fn relay(source: &Seen, options: &CopyOptions) -> Way {
    let in_parts = source.parts().is_some() || source.size > options.single_put;
    if in_parts { Way::PutParts } else { Way::Put }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ETag;

    fn seen(size: u64, etag: &str) -> Seen {
        Seen { size, etag: Some(ETag::parse(etag)), ..Seen::default() }
    }

    #[test]
    fn the_way_follows_from_mode_size_and_shape() {
        const PLAIN: &str = "d41d8cd98f00b204e9800998ecf8427e";
        const PARTS: &str = "d41d8cd98f00b204e9800998ecf8427e-2";
        let (auto, large) = (CopyOptions::default(), 5_000_000_001);
        let way = |size, etag, server_side| choose(&seen(size, etag), &auto, server_side).unwrap();
        assert_eq!(way(0, PLAIN, true), Way::Copy);
        assert_eq!(way(5_000_000_000, PLAIN, true), Way::Copy);
        assert_eq!(way(large, PLAIN, true), Way::CopyParts);
        assert_eq!(way(10, PARTS, true), Way::CopyParts);
        assert_eq!(way(32 << 20, PLAIN, false), Way::Put);
        assert_eq!(way(large, PLAIN, false), Way::PutParts);
        assert_eq!(way(10, PARTS, false), Way::PutParts);
        let relay = CopyOptions { mode: CopyMode::Relay, ..CopyOptions::default() };
        assert_eq!(choose(&seen(1, PLAIN), &relay, true).unwrap(), Way::Put);
        let server = CopyOptions { mode: CopyMode::Server, ..CopyOptions::default() };
        assert!(matches!(choose(&seen(1, PLAIN), &server, false), Err(Failure::NotOneService)));
    }
}

//! Access control lists, which no copy carries by itself: read at the source, set with the write.

use super::options::AclMode;
use super::{Failure, Job, Note};
use crate::s3::{Acl, Kind};
use std::collections::BTreeMap;

impl Job<'_> {
    /// The list that the write is to set.
    pub(super) async fn acl(&self) -> Result<Option<Acl>, Failure> {
        match &self.shared.options.acl {
            AclMode::Leave => Ok(None),
            AclMode::Canned(name) => Ok(Some(Acl::Canned(name.clone()))),
            AclMode::Copy => match self.shared.source.store.acl(&self.source).await {
                Ok(text) => Ok(grants(&text)),
                Err(error) if matches!(error.kind, Kind::Denied | Kind::Unsupported | Kind::Invalid) => {
                    self.note(Note::AclNotCopied);
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// Grants out of the canonical text `who=PERMISSION,…`. One owner with full control is what S3 makes by itself,
/// and says nothing about who owns the copy.
fn grants(text: &str) -> Option<Acl> {
    let pairs: Vec<(&str, &str)> = text.split(',').filter_map(|grant| grant.rsplit_once('=')).collect();
    if let [] | [(_, "FULL_CONTROL")] = &*pairs {
        return None;
    }
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (who, permission) in pairs {
        let kind = match who {
            _ if who.starts_with("http") => "uri",
            _ if who.contains('@') => "emailAddress",
            _ => "id",
        };
        let grantees = headers.entry(permission.to_owned()).or_default();
        if !grantees.is_empty() {
            grantees.push_str(", ");
        }
        grantees.push_str(&format!("{kind}=\"{who}\""));
    }
    Some(Acl::Grants(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_become_headers() {
        assert_eq!(grants(""), None);
        assert_eq!(grants("abc=FULL_CONTROL"), None);
        let Some(Acl::Grants(headers)) = grants("abc=FULL_CONTROL,def=READ,http://acs/AllUsers=READ") else {
            panic!("no grants");
        };
        assert_eq!(headers["FULL_CONTROL"], "id=\"abc\"");
        assert_eq!(headers["READ"], "id=\"def\", uri=\"http://acs/AllUsers\"");
    }
}
